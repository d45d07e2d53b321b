package seal

import (
	"bytes"
	"testing"
	"time"

	"firn/internal/format"
)

// cheap keeps Argon2id out of the tests' time.
var cheap = Argon2Cost{MemoryKiB: 64, Time: 1, Threads: 1}

// noon is a fixed time.
var noon = time.Unix(1_800_000_000, 0)

func newOwner(t testing.TB) *Keyring {
	t.Helper()
	k, root, err := Create(RootParams{Created: noon, Program: "test", ChunkMin: 1, ChunkMean: 2, ChunkMax: 3})
	if err != nil {
		t.Fatal(err)
	}
	if root.Number != 1 {
		t.Fatalf("first root has number %d", root.Number)
	}
	return k
}

// member opens a fresh bundle of role against owner's root.
func member(t testing.TB, owner *Keyring, role format.Role) *Keyring {
	t.Helper()
	b, err := owner.Bundle(role)
	if err != nil {
		t.Fatal(err)
	}
	k, err := Open(b, owner.Root(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// rings are one keyring of each role in one repository.
func rings(t testing.TB) (owner, writer, maintainer *Keyring) {
	owner = newOwner(t)
	return owner, member(t, owner, format.RoleWriter), member(t, owner, format.RoleMaintainer)
}

// succeed makes the owner's next root.
func succeed(t testing.TB, owner *Keyring, s Succession) (*Keyring, *format.Root) {
	t.Helper()
	next, root, err := owner.Succeed(s)
	if err != nil {
		t.Fatal(err)
	}
	return next, root
}

// reopen opens a member's bundle against another root.
func reopen(t testing.TB, k *Keyring, root *format.Root) *Keyring {
	t.Helper()
	again, err := Open(k.bundle, root, nil)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// memberOf is the slot that a keyring's bundle was made for.
func memberOf(k *Keyring) Member { return Member{Slot: [16]byte(k.bundle.Slot), Role: k.Role()} }

func mustSealRecord(t testing.TB, k *Keyring, kind format.Kind, name string, body []byte) []byte {
	t.Helper()
	object, err := k.SealRecord(kind, name, body)
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// damaged calls try with copies of data that differ from it in one bit, for each
// byte and a bit of it that changes with the place, and with data cut short or
// prolonged.
func damaged(data []byte, try func(what string, data []byte)) {
	for i := range data {
		changed := bytes.Clone(data)
		changed[i] ^= 1 << (i % 8)
		try("a bit", changed)
	}
	for _, n := range []int{0, 1, len(data) / 2, len(data) - 1} {
		try("the end", bytes.Clone(data[:n]))
	}
	try("a byte more", append(bytes.Clone(data), 0))
}

// testFooter is a footer with all its fields in use.
func testFooter() *format.Footer {
	base := format.ID{9}
	return &format.Footer{
		Sections: []format.Section{{Offset: 16, Epoch: 1, Host: format.Host{1, 2, 3}}},
		Blocks: []format.Block{
			{Number: 0, Offset: 1152, Length: 100, Codec: format.CodecZstd, IDs: []format.ID{{1}, {2}}, Lengths: []uint32{40, 60}},
			{Number: 1, Offset: 1252, Length: 90, Codec: format.CodecDelta, IDs: []format.ID{{3}}, Lengths: []uint32{500},
				Bases: []format.BaseRef{{Pack: base, Offset: 77, Length: 88}}},
		},
		Digest: format.ID{0xdd},
	}
}

// recordKinds are all kinds of sealed records with a name each.
var recordKinds = []struct {
	kind format.Kind
	name string
}{
	{format.KindSession, "s/0011223344556677-00112233445566778899aabbccddeeff"},
	{format.KindHeartbeat, "h/0011223344556677-00112233445566778899aabbccddeeff"},
	{format.KindManifest, "m/0011223344556677-00112233445566778899aabbccddeeff"},
	{format.KindTombstone, "m/0011223344556677-00112233445566778899aabbccddeeff"},
	{format.KindRecord, "g/0011223344556677-00112233445566778899aabbccddeeff"},
	{format.KindDecision, "g/0011223344556677-00112233445566778899aabbccddeeff.s"},
}
