package seal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/zeebo/blake3"

	"firn/internal/format"
)

func mustSegmentCipher(t testing.TB, k *Keyring, id format.ID) *SegmentCipher {
	t.Helper()
	c, err := k.SegmentCipher(k.Epoch(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSegmentFollowsTheDefinition opens pages as docs/format.md §7 says it.
func TestSegmentFollowsTheDefinition(t *testing.T) {
	owner := newOwner(t)
	repository := owner.Repository()
	index := owner.bundle.Epochs[0].Index
	content, err := owner.SegmentContent(1)
	if err != nil {
		t.Fatal(err)
	}
	content.Write([]byte("entries"))
	content.Write([]byte("packs"))
	id := format.ID(content.Sum(nil))
	var contentKey, segmentKey [32]byte
	blake3.DeriveKey("firn v1 segment content", index, contentKey[:])
	blake3.DeriveKey("firn v1 segment", index, segmentKey[:])
	h, _ := blake3.NewKeyed(contentKey[:])
	h.Write([]byte("entriespacks"))
	if !bytes.Equal(id[:], h.Sum(nil)) {
		t.Error("another content ID")
	}
	h, _ = blake3.NewKeyed(segmentKey[:])
	h.Write(id[:])
	sealed := mustSegmentCipher(t, owner, id).Seal([]byte("pre"), 0x01020304, []byte("page"))
	number := binary.LittleEndian.AppendUint32(nil, 0x01020304)
	data := slices.Concat(repository[:], []byte("x"), number)
	page, err := plainOpen(h.Sum(nil), append(number, 0, 0, 0, 0, 0, 0, 0, 0), sealed[3:], data)
	if err != nil || string(page) != "page" {
		t.Errorf("sealed otherwise: %v", err)
	}
}

func TestPagesOpenForAllRoles(t *testing.T) {
	owner, writer, maintainer := rings(t)
	id := format.ID{4}
	sealed := mustSegmentCipher(t, owner, id).Seal(nil, 7, []byte("page"))
	directory := mustSegmentCipher(t, owner, id).SealDirectory(nil, 8, []byte("directory"))
	for _, k := range []*Keyring{owner, writer, maintainer} {
		c := mustSegmentCipher(t, k, id)
		if !bytes.Equal(c.Seal(nil, 7, []byte("page")), sealed) {
			t.Error("equal content gives other bytes")
		}
		if got, err := c.Open([]byte("pre"), 7, sealed); err != nil || string(got) != "prepage" {
			t.Errorf("opened %q, %v", got, err)
		}
		if got, err := c.OpenDirectory([]byte("pre"), 8, directory); err != nil || string(got) != "predirectory" {
			t.Errorf("opened %q, %v", got, err)
		}
	}
}

func TestPagesRefuseChanges(t *testing.T) {
	owner := newOwner(t)
	c := mustSegmentCipher(t, owner, format.ID{4})
	sealed := c.Seal(nil, 7, []byte("page"))
	directory := c.SealDirectory(nil, 7, []byte("directory"))
	damaged(sealed, func(what string, data []byte) {
		if got, err := c.Open([]byte("kept"), 7, data); !errors.Is(err, ErrDamaged) || string(got) != "kept" {
			t.Fatalf("changed %s: %q, %v", what, got, err)
		}
	})
	damaged(directory, func(what string, data []byte) {
		if got, err := c.OpenDirectory([]byte("kept"), 7, data); !errors.Is(err, ErrDamaged) || string(got) != "kept" {
			t.Fatalf("directory changed %s: %q, %v", what, got, err)
		}
	})
	for name, open := range map[string]func() ([]byte, error){
		"another page":       func() ([]byte, error) { return c.Open(nil, 8, sealed) },
		"another segment":    func() ([]byte, error) { return mustSegmentCipher(t, owner, format.ID{5}).Open(nil, 7, sealed) },
		"another repository": func() ([]byte, error) { return mustSegmentCipher(t, newOwner(t), format.ID{4}).Open(nil, 7, sealed) },
		"another directory":  func() ([]byte, error) { return c.OpenDirectory(nil, 8, directory) },
		"directory as page":  func() ([]byte, error) { return c.Open(nil, 7, directory) },
	} {
		if _, err := open(); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Hosts that merge alike share content ID and page count; their directories
// must not share a key stream.
func TestDirectoriesOfEqualSegmentsAreSealedApart(t *testing.T) {
	owner, _, maintainer := rings(t)
	plaintext := make([]byte, 64)
	a := mustSegmentCipher(t, owner, format.ID{4}).SealDirectory(nil, 7, plaintext)
	b := mustSegmentCipher(t, maintainer, format.ID{4}).SealDirectory(nil, 7, plaintext)
	if bytes.Equal(a[32:], b[32:]) {
		t.Error("one key stream for two directories")
	}
}

func TestSegmentsWantTheEpochsKey(t *testing.T) {
	writer := member(t, newOwner(t), format.RoleWriter)
	if _, err := writer.SegmentContent(2); !errors.Is(err, ErrNoKey) {
		t.Errorf("content: %v", err)
	}
	if _, err := writer.SegmentCipher(2, format.ID{}); !errors.Is(err, ErrNoKey) {
		t.Errorf("cipher: %v", err)
	}
}
