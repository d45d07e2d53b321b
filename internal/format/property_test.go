package format

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The generators below draw valid records with empty lists nil, as decoding
// leaves them.

func drawBytes(t *rapid.T, most int) []byte {
	b := rapid.SliceOfN(rapid.Byte(), 0, most).Draw(t, "bytes")
	if len(b) == 0 {
		return nil
	}
	return b
}

// drawSized draws a key or the like, or none.
func drawSized(t *rapid.T, size int) []byte {
	if rapid.Bool().Draw(t, "absent") {
		return nil
	}
	return rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "sized")
}

func drawID(t *rapid.T) ID { return ID(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "ID")) }

func drawHost(t *rapid.T) Host { return Host(rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "host")) }

func drawList[T any](t *rapid.T, most int, one func(*rapid.T) T) []T {
	var list []T
	for range rapid.IntRange(0, most).Draw(t, "length") {
		list = append(list, one(t))
	}
	return list
}

func drawSet[T comparable](t *rapid.T, compare func(a, b T) int, one func(*rapid.T) T) []T {
	return ascending(drawList(t, 5, one), compare)
}

func drawString(t *rapid.T) string { return rapid.String().Draw(t, "string") }

func drawPack(t *rapid.T) PackName {
	return PackName{Kind: rapid.SampledFrom([]Kind{KindData, KindMeta}).Draw(t, "kind"), Hash: drawID(t)}
}

func drawCertificate(t *rapid.T) Certificate {
	return Certificate{
		PublicKey: drawSized(t, 32), Role: Role(rapid.Uint32().Draw(t, "role")), Epoch: rapid.Uint32().Draw(t, "epoch"), Signature: drawSized(t, 64),
	}
}

func drawRecord(t *rapid.T) *Record {
	return &Record{
		Kind: rapid.Uint32().Draw(t, "kind"), Time: rapid.Int64().Draw(t, "time"),
		CondemnedPacks: drawSet(t, PackName.Compare, drawPack), DamagedPacks: drawSet(t, PackName.Compare, drawPack),
		DamagedChunks: drawSet(t, compareIDs, drawID), Reasons: drawList(t, 3, drawString), Session: drawString(t),
	}
}

func drawEnvelope(t *rapid.T) *Envelope {
	e := &Envelope{
		Repository: drawID(t), Name: drawString(t), Signer: drawCertificate(t), Sealed: drawBytes(t, 300), Signature: drawSized(t, 64),
	}
	if rapid.Bool().Draw(t, "manifest") {
		e.Encapsulation = append(drawBytes(t, 10), 1)
	} else {
		e.Salt = rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "salt")
	}
	return e
}

func drawManifest(t *rapid.T) *Manifest {
	u := func() uint64 { return rapid.Uint64().Draw(t, "number") }
	head := func(t *rapid.T) Head { return Head{Session: drawString(t), Manifest: drawID(t)} }
	m := &Manifest{
		Session: drawString(t), Started: rapid.Int64().Draw(t, "started"), Finished: rapid.Int64().Draw(t, "finished"),
		Tags: drawList(t, 3, drawString), Sums: Sums{u(), u(), u()}, Stats: Stats{u(), u(), u(), u(), u(), u(), u(), u()},
		Previous: drawList(t, 3, head), Seen: drawList(t, 3, head), ProblemCount: u(), SourceKey: [16]byte(drawID(t).Short()),
		Problems: drawList(t, 3, func(t *rapid.T) Problem { return Problem{Path: drawBytes(t, 9), Reason: drawString(t)} }),
	}
	if rapid.Bool().Draw(t, "root") {
		root := drawID(t)
		m.Root, m.RootLength = &root, rapid.Uint32Range(1, MaxPage).Draw(t, "length")
	}
	return m
}

// drawBlocks draws blocks that follow one another in sections.
func drawBlocks(t *rapid.T, sections, idWidth int) []Block {
	var free uint32
	return drawList(t, 5, func(t *rapid.T) Block {
		b := Block{
			Section: rapid.Uint32Range(0, uint32(sections)-1).Draw(t, "section"), Number: rapid.Uint32().Draw(t, "number"),
			Offset: free + rapid.Uint32Range(0, 1000).Draw(t, "gap"), Length: rapid.Uint32Range(1, 1<<24).Draw(t, "length"),
			Codec: rapid.Uint32Range(0, 2).Draw(t, "codec"), Purpose: rapid.Uint32Range(0, 1).Draw(t, "purpose"),
		}
		free = b.Offset + b.Length
		for range rapid.IntRange(1, 5).Draw(t, "chunks") {
			chunk := drawID(t)
			clear(chunk[idWidth:])
			b.IDs = append(b.IDs, chunk)
			b.Lengths = append(b.Lengths, rapid.Uint32Range(1, 1<<20).Draw(t, "length"))
		}
		if b.Codec == CodecDelta {
			for range rapid.IntRange(1, MaxBases).Draw(t, "bases") {
				b.Bases = append(b.Bases, BaseRef{drawID(t), rapid.Uint32().Draw(t, "offset"), rapid.Uint32().Draw(t, "length")})
			}
		}
		return b
	})
}

func drawSections(t *rapid.T) []Section {
	return append(drawList(t, 2, func(t *rapid.T) Section {
		return Section{Offset: rapid.Uint32().Draw(t, "offset"), Epoch: rapid.Uint32().Draw(t, "epoch"), Host: drawHost(t)}
	}), Section{})
}

func drawFooter(t *rapid.T) *Footer {
	f := &Footer{Sections: drawSections(t), Digest: drawID(t), Signer: drawCertificate(t), Signature: drawSized(t, 64)}
	f.Blocks = drawBlocks(t, len(f.Sections), IDSize)
	return f
}

func drawMirror(t *rapid.T) *Mirror {
	m := &Mirror{Sections: drawSections(t), Pack: drawID(t), Size: rapid.Uint64().Draw(t, "size")}
	m.Blocks = drawBlocks(t, len(m.Sections), len(ShortID{}))
	return m
}

func drawSpill(t *rapid.T) *Spill {
	return &Spill{Root: drawID(t), Length: rapid.Uint32Range(1, MaxPage).Draw(t, "length"), Level: rapid.Uint32Range(0, MaxTreeDepth-1).Draw(t, "level")}
}

func drawPiece(t *rapid.T) Piece {
	if rapid.Bool().Draw(t, "hole") {
		return Piece{Length: rapid.Uint64Range(1, 1<<63-1).Draw(t, "length"), Hole: true}
	}
	return Piece{Length: rapid.Uint64Range(1, MaxChunk).Draw(t, "length"), ID: drawID(t)}
}

func drawAttribute(t *rapid.T) Attribute {
	a := Attribute{Name: drawBytes(t, 5)}
	if rapid.Bool().Draw(t, "spilled") {
		a.Spilled = drawSpill(t)
	} else {
		a.Value = drawBytes(t, 200)
	}
	return a
}

func drawEntry(t *rapid.T) *Entry {
	u := func() uint64 { return rapid.Uint64().Draw(t, "number") }
	e := &Entry{
		Type: rapid.Uint32Range(1, 9).Draw(t, "type"), Mode: rapid.Uint32().Draw(t, "mode"), UID: u(), GID: u(),
		User: drawString(t), Group: drawString(t), MTime: rapid.Int64().Draw(t, "mtime"), CTime: rapid.Int64().Draw(t, "ctime"),
		Inode: u(), Device: u(), Links: u(), Size: u(), Rdev: u(), Target: drawBytes(t, 20), Flags: rapid.Uint32().Draw(t, "flags"),
		Attributes: drawList(t, 3, drawAttribute), Properties: drawList(t, 3, drawAttribute),
	}
	slices.SortStableFunc(e.Attributes, func(a, b Attribute) int { return bytes.Compare(a.Name, b.Name) })
	if rapid.Bool().Draw(t, "spilled") {
		e.Spilled = drawSpill(t)
	} else {
		e.Content = drawList(t, InlinePieces, drawPiece)
	}
	return e
}

func drawPage(t *rapid.T) *Page {
	p := &Page{Level: rapid.Uint8Range(0, 2).Draw(t, "level")}
	keys := ascending(append(drawList(t, 20, drawString), "one"), func(a, b string) int { return bytes.Compare([]byte(a), []byte(b)) })
	for _, key := range keys {
		item := PageItem{Key: append([]byte{}, key...)}
		if p.Level == 0 {
			item.Entry = drawEntry(t)
		} else {
			item.Child, item.ChildLength = drawID(t), rapid.Uint32Range(0, MaxPage).Draw(t, "length")
			item.Sums.Bytes = rapid.Uint64().Draw(t, "bytes")
		}
		p.Items = append(p.Items, item)
	}
	return p
}

func drawSequencePage(t *rapid.T) *SequencePage {
	p := &SequencePage{Level: rapid.Uint8Range(0, 2).Draw(t, "level")}
	for range rapid.IntRange(1, 20).Draw(t, "items") {
		if p.Level == 0 {
			p.Items = append(p.Items, SequenceItem{Piece: drawPiece(t)})
		} else {
			p.Items = append(p.Items, SequenceItem{Child: drawID(t), ChildLength: rapid.Uint32Range(0, MaxPage).Draw(t, "length"), Bytes: rapid.Uint64().Draw(t, "bytes")})
		}
	}
	return p
}

func TestRecordsComeBack(t *testing.T) {
	certificate := func(t *rapid.T) *Certificate { c := drawCertificate(t); return &c }
	t.Run("certificate", comesBack(certificate))
	t.Run("record", comesBack(drawRecord))
	t.Run("envelope", comesBack(drawEnvelope))
	t.Run("manifest", comesBack(drawManifest))
	t.Run("footer", comesBack(drawFooter))
	t.Run("mirror", comesBack(drawMirror))
	t.Run("entry", comesBack(drawEntry))
	t.Run("page", comesBack(drawPage))
	t.Run("sequence page", comesBack(drawSequencePage))
}

// comesBack checks that what is drawn decodes from its encoding unchanged, into
// fresh memory and into memory that held another value, and encodes the same again.
func comesBack[T any, P interface {
	*T
	codec
}](draw func(*rapid.T) P) func(*testing.T) {
	return func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			want := draw(t)
			encoded := want.Append(nil)
			got, used := P(new(T)), P(new(T))
			if err := got.Decode(encoded); err != nil {
				t.Fatalf("%v: %+v", err, want)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("got %+v, want %+v", got, want)
			}
			if err := used.Decode(draw(t).Append(nil)); err != nil {
				t.Fatal(err)
			}
			if err := used.Decode(encoded); err != nil {
				t.Fatal(err)
			}
			if again := used.Append([]byte("x")); string(again[1:]) != string(encoded) {
				t.Fatalf("encodes to %x, want %x", again[1:], encoded)
			}
		})
	}
}
