package seal

import (
	"bytes"
	"errors"
	"testing"
)

// TestOpeningsAreRemembered: what is opened twice comes out as it was sealed, whatever became
// of the first answer, and nothing else is taken for it.
func TestOpeningsAreRemembered(t *testing.T) {
	owner := newOwner(t)
	for _, r := range recordKinds {
		object := mustSealRecord(t, owner, r.kind, r.name, []byte("a body"))
		for range 3 {
			opened, err := owner.OpenRecord(r.name, object)
			if err != nil || opened.Kind != r.kind || string(opened.Body) != "a body" {
				t.Fatalf("%c: opened %+v, %v", r.kind, opened, err)
			}
			clear(opened.Body)
		}
		if owner.openings.find(owner.standing.Load(), openingOf(r.name, object)) == nil {
			t.Errorf("%c: it is not remembered", r.kind)
		}
		altered := bytes.Clone(object)
		altered[len(altered)-1] ^= 1
		if _, err := owner.OpenRecord(r.name, altered); !errors.Is(err, ErrUntrusted) {
			t.Errorf("%c: other bytes open: %v", r.kind, err)
		}
		if _, err := owner.OpenRecord(r.name+"0", object); err == nil {
			t.Errorf("%c: it opens under another name", r.kind)
		}
	}
}

// TestOpeningsGoByTheRoot: what a host signed that is revoked since is refused, though it was opened before.
func TestOpeningsGoByTheRoot(t *testing.T) {
	owner, writer, _ := rings(t)
	r := recordKinds[0]
	object := mustSealRecord(t, writer, r.kind, r.name, []byte("a body"))
	if _, err := owner.OpenRecord(r.name, object); err != nil {
		t.Fatal(err)
	}
	_, root := succeed(t, owner, Succession{Epoch: true, Revoke: [][]byte{writer.Certificate().PublicKey}})
	if err := owner.Follow(root); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.OpenRecord(r.name, object); !errors.Is(err, ErrRevoked) {
		t.Errorf("a revoked host's record opens: %v", err)
	}
}

func TestOpeningsAreBounded(t *testing.T) {
	var o openings
	by := new(standing)
	body := make([]byte, openingsSize/4)
	for i := range 10 {
		o.keep(by, opening{name: string(rune('a' + i))}, &Opened{Body: body})
		if o.size > openingsSize || o.size != len(o.opened)*len(body) {
			t.Fatalf("%d bytes of %d bodies", o.size, len(o.opened))
		}
	}
	o.keep(by, opening{name: "huge"}, &Opened{Body: make([]byte, openingsSize+1)})
	if o.find(by, opening{name: "huge"}) != nil || o.find(by, opening{name: "j"}) == nil {
		t.Error("one body takes the place of all others")
	}
}
