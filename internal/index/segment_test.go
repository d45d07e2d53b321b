package index

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

func TestSegmentRoundTrip(t *testing.T) {
	k := newOwner(t)
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		c := randomContent(r, rapid.IntRange(0, 5).Draw(rt, "packs"), rapid.SampledFrom([]int{0, 1, 50, 2100}).Draw(rt, "most"))
		name, segment := c.seal(t, k, "x/b", "x/a")
		file, err := decode(k, name, segment)
		if err != nil {
			rt.Fatal(err)
		}
		l, err := loadLayer(file, layerOf([]string{name}))
		if err != nil {
			rt.Fatal(err)
		}
		defer l.drop()
		for id, want := range modelOf(c) {
			got, err := findAll(l, id)
			if err != nil || !slices.Equal(got, want) {
				rt.Fatalf("%x is at %v (%v), want %v", id, got, err, want)
			}
		}
		info := l.members[0].info()
		if info.Name != name || info.Size != int64(len(segment)) || info.Packs != uint64(len(c.packs)) ||
			info.Host != k.Host() || info.Created != testTime.Unix() || !slices.Equal(info.Inputs, []string{"x/a", "x/b"}) {
			rt.Fatalf("described as %+v", info)
		}
		for i, p := range l.packs {
			if at := slices.IndexFunc(c.packs, func(q format.PackInfo) bool { return equalPacks(p, &q) }); at < 0 {
				rt.Fatalf("pack %d is %+v", i, p)
			}
		}
	})
}

func TestSealDoesNotDependOnOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	k := newOwner(t)
	c := randomContent(r, 6, 900)
	_, first := c.seal(t, k)
	b := NewBuilder()
	for _, i := range r.Perm(len(c.packs)) {
		list := slices.Clone(c.entries[i])
		r.Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
		half := len(list) / 2
		b.AddPack(c.packs[i], list[half:])
		b.AddPack(c.packs[i], list[:half])
		b.AddPack(c.packs[i], list[:1])
	}
	_, second, err := b.Seal(k, nil, testTime)
	if err != nil {
		t.Fatal(err)
	}
	trailer := must(format.ParseSegmentTrailer(first[len(first)-format.SegmentTrailerSize:]))(t)
	if !bytes.Equal(first[:trailer.DirectoryOffset], second[:trailer.DirectoryOffset]) {
		t.Error("the same packs in another order make other bytes")
	}
}

func TestSealRefusesWhatDoesNotFit(t *testing.T) {
	b := NewBuilder()
	b.AddPack(randomPack(rand.New(rand.NewPCG(1, 2))), []PackEntry{{BlockLength: 1 << 24}})
	if _, _, err := b.Seal(newOwner(t), nil, testTime); !errors.Is(err, format.ErrCorrupt) {
		t.Error(err)
	}
}

// nameOf returns the name that a segment of the keyring's host should have.
func nameOf(k *seal.Keyring, segment []byte) string {
	return format.SegmentName(k.Host(), sha256.Sum256(segment))
}

// expectRefused decodes bytes under the name they should have.
func expectRefused(t *testing.T, k *seal.Keyring, what string, host format.Host, segment []byte, want ...error) {
	t.Helper()
	_, err := decode(k, format.SegmentName(host, sha256.Sum256(segment)), segment)
	for _, w := range want {
		if errors.Is(err, w) {
			return
		}
	}
	t.Errorf("%s: %v", what, err)
}

func TestSegmentTampering(t *testing.T) {
	k, other := newOwner(t), newOwner(t)
	r := rand.New(rand.NewPCG(2, 2))
	name, segment := randomContent(r, 3, 100).seal(t, k)
	host, _, err := format.ParseSegmentName(name)
	if err != nil {
		t.Fatal(err)
	}
	anyOf := []error{format.ErrCorrupt, format.ErrMagic, format.ErrVersion, seal.ErrDamaged, seal.ErrUntrusted, seal.ErrNoKey}
	for at := range segment {
		tampered := bytes.Clone(segment)
		tampered[at] ^= 0x10
		expectRefused(t, k, "byte changed", host, tampered, anyOf...)
		if at%13 == 0 {
			expectRefused(t, k, "cut short", host, segment[:at], anyOf...)
		}
	}
	expectRefused(t, k, "with a byte more", host, append(bytes.Clone(segment), 0), anyOf...)
	expectRefused(t, k, "under another host's name", format.Host{1}, segment, seal.ErrUntrusted)
	expectRefused(t, other, "of another repository", host, segment, anyOf...)
	if _, err := decode(k, format.SegmentName(host, format.ID{1}), segment); !errors.Is(err, format.ErrCorrupt) {
		t.Errorf("under another hash: %v", err)
	}
	if _, err := decode(k, "x/nonsense", segment); err == nil {
		t.Error("a name that is none passes")
	}
}

// forgery is a segment that a certified host made with bytes of its choice.
type forgery struct {
	entries, table []byte
	filter         []byte
	directory      format.Directory
	withSums       bool
	spoilSums      func(sums []byte) []byte // before they are signed
	spoilSignature bool
}

func forge(t *testing.T, k *seal.Keyring, c *content) *forgery {
	t.Helper()
	b := NewBuilder()
	for i := range c.packs {
		b.AddPack(c.packs[i], c.entries[i])
	}
	if err := b.settle(); err != nil {
		t.Fatal(err)
	}
	f := new(forgery)
	for i := range b.records {
		f.entries = b.records[i].append(f.entries)
	}
	for i := range b.packs {
		f.table = format.AppendPackRecord(f.table, &b.packs[i])
	}
	f.describe(k, uint64(len(b.packs)))
	return f
}

// describe makes directory and filter those of the entries and the table.
func (f *forgery) describe(k *seal.Keyring, packs uint64) {
	n := uint64(len(f.entries) / format.IndexEntrySize)
	f.filter = make([]byte, filterSize(n))
	f.directory = format.Directory{Entries: n, Packs: packs, PackBytes: uint64(len(f.table)),
		FilterBytes: uint64(len(f.filter)), Signer: k.Certificate()}
	for at := 0; at < len(f.entries); at += format.IndexEntrySize {
		if at%entryPageSize == 0 {
			f.directory.FirstIDs = append(f.directory.FirstIDs, binary.BigEndian.Uint64(f.entries[at:]))
		}
		filter(f.filter).add(segmentHash((*format.ShortID)(f.entries[at:])))
	}
}

func (f *forgery) seal(t *testing.T, k *seal.Keyring) []byte {
	t.Helper()
	header := format.AppendHeader(nil, format.Header{Kind: format.KindSegment, Epoch: k.Epoch()})
	h := must(k.SegmentContent(k.Epoch()))(t)
	h.Write(f.entries)
	h.Write(f.table)
	id := format.ID(h.Sum(nil))
	f.directory.Signature = k.Sign(contextSegment, header, id[:], f.directory.AppendSigned(nil))
	cipher := must(k.SegmentCipher(k.Epoch(), id))(t)
	out, number, sums := header, uint32(0), []byte(nil)
	for _, part := range []struct {
		bytes []byte
		size  int
	}{{f.entries, entryPageSize}, {f.table, format.SegmentPageSize}, {f.filter, format.SegmentPageSize}} {
		for page := range slices.Chunk(part.bytes, part.size) {
			start := len(out)
			out = cipher.Seal(out, number, page)
			sum := seal.PageSum(out[start:])
			sums = append(sums, sum[:]...)
			number++
		}
	}
	if f.withSums {
		if f.spoilSums != nil {
			sums = f.spoilSums(sums)
		}
		f.directory.PageSums = sums
		f.directory.PageSignature = k.Sign(contextPages, header, id[:], f.directory.AppendPagesSigned(nil))
		if f.spoilSignature {
			f.directory.PageSignature[0] ^= 1
		}
	}
	offset := len(out)
	out = cipher.SealDirectory(out, directoryPage, f.directory.Append(nil))
	return format.SegmentTrailer{ContentID: id, DirectoryOffset: uint64(offset), DirectoryLength: uint32(len(out) - offset)}.Append(out)
}

// TestSegmentForgeries seals content that a correct writer never makes.
func TestSegmentForgeries(t *testing.T) {
	k := newOwner(t)
	r := rand.New(rand.NewPCG(4, 2))
	c := randomContent(r, 4, 1200)
	clean := forge(t, k, c).seal(t, k)
	if _, err := decode(k, nameOf(k, clean), clean); err != nil {
		t.Fatal(err)
	}
	const e = format.IndexEntrySize
	for name, change := range map[string]func(f *forgery){
		"entries swapped": func(f *forgery) {
			for i := range e {
				f.entries[i], f.entries[e+i] = f.entries[e+i], f.entries[i]
			}
			f.describe(k, f.directory.Packs)
		},
		"entry twice": func(f *forgery) {
			copy(f.entries[e:2*e], f.entries[:e])
			f.describe(k, f.directory.Packs)
		},
		"order broken between pages": func(f *forgery) {
			at := entryPageSize
			copy(f.entries[at:at+e], f.entries[:e])
			f.describe(k, f.directory.Packs)
		},
		"pack beyond the table": func(f *forgery) {
			binary.LittleEndian.PutUint32(f.entries[16:], 4)
			f.describe(k, f.directory.Packs)
		},
		"first ID":          func(f *forgery) { f.directory.FirstIDs[1]++ },
		"first ID too many": func(f *forgery) { f.directory.FirstIDs = append(f.directory.FirstIDs, 1) },
		"filter":            func(f *forgery) { f.filter[7] ^= 1 },
		"entries":           func(f *forgery) { f.directory.Entries-- },
		"packs":             func(f *forgery) { f.directory.Packs++ },
		"packs, many":       func(f *forgery) { f.directory.Packs = 1 << 60 },
		"entries, many":     func(f *forgery) { f.directory.Entries = 1<<63 + 5 },
		"pack bytes":        func(f *forgery) { f.directory.PackBytes = 1 << 62 },
		"filter bytes":      func(f *forgery) { f.directory.FilterBytes += 32 },
		"table cut": func(f *forgery) {
			f.table = f.table[:len(f.table)-1]
			f.describe(k, f.directory.Packs)
		},
		"table out of order": func(f *forgery) {
			first, rest, _ := format.NextPackRecord(f.table)
			at := len(f.table) - len(rest)
			second, _, _ := format.NextPackRecord(rest)
			f.table = slices.Concat(f.table[at:at+len(second)+at-len(first)], f.table[:at], f.table[at+len(second)+at-len(first):])
			f.describe(k, f.directory.Packs)
		},
		"sum of a page": func(f *forgery) {
			f.withSums, f.spoilSums = true, func(sums []byte) []byte { sums[17] ^= 1; return sums }
		},
		"sum missing": func(f *forgery) {
			f.withSums, f.spoilSums = true, func(sums []byte) []byte { return sums[format.PageSumSize:] }
		},
		"no table": func(f *forgery) {
			f.table = nil
			f.describe(k, 0)
		},
	} {
		f := forge(t, k, c)
		change(f)
		expectRefused(t, k, name, k.Host(), f.seal(t, k), format.ErrCorrupt)
	}
}

func TestContentIDIsChecked(t *testing.T) {
	k := newOwner(t)
	f := forge(t, k, randomContent(rand.New(rand.NewPCG(5, 2)), 2, 20))
	segment := f.seal(t, k)
	f.entries[20]++ // a block offset: order, filter and directory stay right
	trailer := must(format.ParseSegmentTrailer(segment[len(segment)-format.SegmentTrailerSize:]))(t)
	cipher := must(k.SegmentCipher(k.Epoch(), trailer.ContentID))(t)
	copy(segment[format.HeaderSize:], cipher.Seal(nil, 0, f.entries))
	expectRefused(t, k, "other entries under a content ID", k.Host(), segment, format.ErrCorrupt)
}

func TestRangedReads(t *testing.T) {
	k := newOwner(t)
	r := rand.New(rand.NewPCG(6, 2))
	c := new(content)
	for range 3 {
		c.packs = append(c.packs, randomPack(r))
		list := make([]PackEntry, 60_000)
		for i := range list {
			list[i] = PackEntry{ID: randomID(r), BlockOffset: r.Uint32()}
		}
		c.entries = append(c.entries, list)
	}
	name, segment := c.seal(t, k)
	if len(segment) <= wholeBody {
		t.Fatalf("segment of %d bytes is read whole", len(segment))
	}
	store := object.Meter(object.NewMem())
	ctx := context.Background()
	if _, err := store.Put(ctx, name, segment, object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	info := must(Verify(ctx, store, k, name))(t)
	if info.Entries != 180_000 {
		t.Errorf("%d entries", info.Entries)
	}
	if n := store.Counts().GetRange; n < 2 || n > 8 {
		t.Errorf("%d ranged requests", n)
	}
	segment[len(segment)/2] ^= 1
	if _, err := store.Put(ctx, name, segment, object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	var bad *BadSegment
	if _, err := Verify(ctx, store, k, name); !errors.As(err, &bad) || !errors.Is(err, seal.ErrDamaged) || bad.Name != name {
		t.Error(err)
	}
}

// FuzzSegment decodes a segment with bytes changed or cut off.
func FuzzSegment(f *testing.F) {
	k := newOwner(f)
	_, segment := randomContent(rand.New(rand.NewPCG(8, 2)), 2, 30).seal(f, k)
	f.Add(uint32(0), []byte{}, uint32(0))
	f.Add(uint32(len(segment)-30), []byte{1, 2, 3}, uint32(0))
	f.Add(uint32(0), segment[len(segment)-format.SegmentTrailerSize:], uint32(len(segment)-100))
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, cut uint32) {
		b := patched(segment, at, patch, cut)
		if _, err := decode(k, nameOf(k, b), b); err == nil && !bytes.Equal(b, segment) {
			t.Fatal("a segment that nobody sealed passes")
		}
	})
}

// FuzzForgery decodes properly sealed and signed segments with arbitrary content.
func FuzzForgery(f *testing.F) {
	k := newOwner(f)
	record := func(b byte) []byte {
		return format.AppendPackRecord(nil, &format.PackInfo{Name: format.PackName{Kind: format.KindData, Hash: format.ID{b}}, Size: 9})
	}
	f.Add(make([]byte, 30), record(1), uint64(1), uint64(1), uint64(1))
	f.Add(bytes.Repeat([]byte{1}, 60), slices.Concat(record(1), record(2)), uint64(2), uint64(2), uint64(1))
	f.Fuzz(func(t *testing.T, entries, table []byte, packs, count, pages uint64) {
		entries = entries[:len(entries)/format.IndexEntrySize*format.IndexEntrySize]
		forged := forgery{entries: entries, table: table}
		forged.describe(k, packs)
		forged.directory.Entries = count
		if pages < uint64(len(forged.directory.FirstIDs)) {
			forged.directory.FirstIDs = forged.directory.FirstIDs[:pages]
		}
		b := forged.seal(t, k)
		name := nameOf(k, b)
		file, err := decode(k, name, b)
		if err != nil {
			return
		}
		l, err := loadLayer(file, layerOf([]string{name}))
		if err != nil {
			t.Fatalf("a segment that passed makes a bad layer: %v", err)
		}
		defer l.drop()
		for at := 0; at < len(entries); at += format.IndexEntrySize {
			if places, err := findAll(l, format.ShortID(entries[at:])); err != nil || len(places) == 0 {
				t.Fatalf("entry %d: %v, %v", at, places, err)
			}
		}
	})
}
