package claim

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"firn/internal/format"
)

func sample() *Claim {
	return &Claim{
		Number: 3, Repository: format.ID{1, 2, 3}, Owner: "alice", Host: "web1", Exclusive: true,
		Since: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
	}
}

func TestCodec(t *testing.T) {
	c := sample()
	body, err := c.encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := decode(3, body)
	if err != nil || *back != *c {
		t.Errorf("read back %+v, %v; want %+v", back, err, c)
	}
	if again, _ := c.encode(); bytes.Equal(again, body) {
		t.Error("two claims have the same bytes")
	}
	later := bytes.Replace(body, []byte(`"firn_claim": 1`), []byte(`"firn_claim": 2, "more": true`), 1)
	if _, err := decode(3, later); !errors.Is(err, ErrVersion) {
		t.Errorf("a later version: %v, want %v", err, ErrVersion)
	}
	unknown := bytes.Replace(body, []byte(`"nonce"`), []byte(`"more": {"a": 1}, "nonce"`), 1)
	if back, err := decode(3, unknown); err != nil || *back != *c {
		t.Errorf("a field that is not known: %+v, %v", back, err)
	}
	for _, text := range []string{
		"", "null", "[]", "{}", `{"firn_claim":1}`, `{"firn_claim":1,"repository":"12","host":"a"}`,
		strings.Replace(string(body), `"web1"`, `""`, 1), strings.Replace(string(body), "web1", `a\u001bb`, 1),
		strings.Replace(string(body), "alice", strings.Repeat("a", maxName+1), 1), string(body) + strings.Repeat(" ", maxSize),
		string(body) + "x",
	} {
		if _, err := decode(1, []byte(text)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%.60q: %v, want %v", text, err, ErrDamaged)
		}
	}
	for _, name := range []string{"", "a\nb", strings.Repeat("a", maxName+1)} {
		if _, err := (&Claim{Host: name}).encode(); err == nil {
			t.Errorf("host %.20q was taken", name)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]struct {
		number        uint32
		announced, ok bool
	}{
		"firn.claim.1": {1, false, true}, "firn.claim.4294967295": {4294967295, false, true}, "firn.claim.12.abc": {12, true, true},
		"firn.claim.": {}, "firn.claim.0": {}, "firn.claim.01": {}, "firn.claim.+1": {}, "firn.claim.1.": {}, "firn.claim.x": {},
		"firn.claim.4294967296": {}, "firn.repository": {}, "firn.claim": {}, "": {},
	} {
		number, announced, ok := parseName(name)
		if ok != want.ok || ok && (number != want.number || announced != want.announced) {
			t.Errorf("%q: %d, %v, %v", name, number, announced, ok)
		}
	}
	if n, announced, ok := parseName(announcement(7)); n != 7 || !announced || !ok {
		t.Errorf("%q is not read back", announcement(7))
	}
}

func FuzzDecode(f *testing.F) {
	body, err := sample().encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"firn_claim":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := decode(1, body)
		if err != nil {
			return
		}
		again, err := c.encode()
		if err != nil {
			t.Fatalf("read %+v and cannot write it: %v", c, err)
		}
		back, err := decode(1, again)
		if err != nil || back.Host != c.Host || back.Owner != c.Owner || back.Repository != c.Repository || !back.Since.Equal(c.Since) {
			t.Fatalf("%+v became %+v: %v", c, back, err)
		}
	})
}
