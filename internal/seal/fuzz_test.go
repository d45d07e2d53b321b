package seal

import (
	"bytes"
	"errors"
	"testing"

	"firn/internal/format"
)

// known reports whether err is one that callers are told to expect.
func known(err error) bool {
	for _, want := range []error{ErrSecret, ErrNoKey, ErrDamaged, ErrUntrusted, format.ErrVersion} {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}

func FuzzOpenSlot(f *testing.F) {
	g := loadGolden(f)
	f.Add(g.FileSlot)
	f.Add(g.PassphraseSlot)
	f.Add(g.WriterSlot)
	both := Secret{Passphrase: testPhrase.Passphrase, Key: &testKey}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := new(format.Slot)
		if s.Decode(data) != nil {
			return
		}
		if a := s.Argon2id; a != nil && (a.MemoryKiB > 1024 || a.Time > 2) {
			return // allowed, but slow
		}
		b, err := OpenSlot(s, both)
		if err != nil && !known(err) {
			t.Fatal(err)
		}
		if err == nil && b.Repository != loadGolden(t).open(t, g.FileSlot, testFile).Repository() {
			t.Fatal("a slot that nobody sealed opens")
		}
	})
}

func FuzzOpenRecord(f *testing.F) {
	g := loadGolden(f)
	k := g.open(f, g.FileSlot, testFile)
	for _, r := range recordKinds {
		f.Add(r.name, g.Records[string(rune(r.kind))])
	}
	f.Fuzz(func(t *testing.T, name string, object []byte) {
		opened, err := k.OpenRecord(name, object)
		if err != nil {
			if !known(err) {
				t.Fatal(err)
			}
			return
		}
		if string(opened.Body) != "golden "+name {
			t.Fatalf("a record that nobody sealed opens: %q", opened.Body)
		}
	})
}

func FuzzOpenFooter(f *testing.F) {
	g := loadGolden(f)
	k := g.open(f, g.FileSlot, testFile)
	f.Add(uint32(1), g.Footer)
	f.Add(uint32(2), g.Footer)
	f.Fuzz(func(t *testing.T, epoch uint32, sealed []byte) {
		footer, err := k.OpenFooter(format.KindData, epoch, sealed)
		if err != nil && !known(err) {
			t.Fatal(err)
		}
		if err == nil && !bytes.Equal(footer.Append(nil), g.FooterBody) {
			t.Fatal("a footer that nobody sealed opens")
		}
	})
}

// FuzzFooterBody goes behind the seal, where a host that holds the index key can get.
func FuzzFooterBody(f *testing.F) {
	g := loadGolden(f)
	k := g.open(f, g.FileSlot, testFile)
	f.Add(g.FooterBody)
	f.Fuzz(func(t *testing.T, body []byte) {
		salt := freshSalt(body)
		key := subkey(&k.standing.Load().epochs[1].index.footer, salt[:])
		sealed := aead(&key).Seal(salt[:], zeroNonce[:], body, k.footerData(format.KindData))
		footer, err := k.OpenFooter(format.KindData, 1, sealed)
		if err != nil && !known(err) {
			t.Fatal(err)
		}
		if err == nil && !bytes.Equal(footer.Append(nil), g.FooterBody) {
			t.Fatal("a footer that nobody signed opens")
		}
	})
}

func FuzzOpenBlock(f *testing.F) {
	g := loadGolden(f)
	section, err := g.open(f, g.FileSlot, testFile).OpenSection(format.KindData, g.DataSection)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(g.DataBlock)
	f.Add(g.DeltaBlock)
	f.Fuzz(func(t *testing.T, block []byte) {
		plaintext, err := section.OpenBlock(nil, block)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		_, a := testBlock(0)
		_, b := testDelta()
		if !bytes.Equal(plaintext, a) && !bytes.Equal(plaintext, b) {
			t.Fatal("a block that nobody sealed opens")
		}
	})
}

func FuzzOpenSection(f *testing.F) {
	g := loadGolden(f)
	k := g.open(f, g.FileSlot, testFile)
	f.Add(byte(format.KindData), g.DataSection)
	f.Add(byte(format.KindMeta), g.MetaSection)
	f.Fuzz(func(t *testing.T, kind byte, header []byte) {
		if _, err := k.OpenSection(format.Kind(kind), header); err != nil && !known(err) {
			t.Fatal(err)
		}
	})
}
