package format

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func FuzzCertificate(f *testing.F)  { fuzzRecord[Certificate](f) }
func FuzzRoot(f *testing.F)         { fuzzRecord[Root](f) }
func FuzzSlot(f *testing.F)         { fuzzRecord[Slot](f) }
func FuzzBundle(f *testing.F)       { fuzzRecord[Bundle](f) }
func FuzzEnvelope(f *testing.F)     { fuzzRecord[Envelope](f) }
func FuzzSession(f *testing.F)      { fuzzRecord[Session](f) }
func FuzzHeartbeat(f *testing.F)    { fuzzRecord[Heartbeat](f) }
func FuzzTombstone(f *testing.F)    { fuzzRecord[Tombstone](f) }
func FuzzRecord(f *testing.F)       { fuzzRecord[Record](f) }
func FuzzDecision(f *testing.F)     { fuzzRecord[Decision](f) }
func FuzzManifest(f *testing.F)     { fuzzRecord[Manifest](f) }
func FuzzFooter(f *testing.F)       { fuzzRecord[Footer](f) }
func FuzzMirror(f *testing.F)       { fuzzRecord[Mirror](f) }
func FuzzPackInfo(f *testing.F)     { fuzzRecord[PackInfo](f) }
func FuzzDirectory(f *testing.F)    { fuzzRecord[Directory](f) }
func FuzzEntry(f *testing.F)        { fuzzRecord[Entry](f) }
func FuzzPage(f *testing.F)         { fuzzRecord[Page](f) }
func FuzzSequencePage(f *testing.F) { fuzzRecord[SequencePage](f) }

// fuzzRecord checks that what a decoder accepts has one encoding, which is the
// input unless that holds unknown fields and so is longer.
func fuzzRecord[T any, P interface {
	*T
	codec
}](f *testing.F) {
	for _, s := range samples() {
		if reflect.TypeOf(s.value) == reflect.TypeFor[P]() {
			f.Add(s.value.Append(nil))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, again := P(new(T)), P(new(T))
		if err := v.Decode(b); err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		encoded := v.Append(nil)
		if len(encoded) >= len(b) && !bytes.Equal(encoded, b) {
			t.Fatalf("%x is accepted and encodes to %x", b, encoded)
		}
		if err := again.Decode(encoded); err != nil {
			t.Fatalf("%x is accepted, not its encoding %x: %v", b, encoded, err)
		}
		if !reflect.DeepEqual(v, again) {
			t.Fatalf("%+v became %+v", v, again)
		}
	})
}

func FuzzPieces(f *testing.F) {
	f.Add(AppendPieces(nil, []Piece{{Length: 5, ID: id(1)}, {Length: 1 << 40, Hole: true}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if pieces, err := DecodePieces(nil, b); err == nil && !bytes.Equal(AppendPieces(nil, pieces), b) {
			t.Fatalf("%x is accepted as %+v", b, pieces)
		}
	})
}

// FuzzLayouts gives each parser of a fixed layout the same bytes.
func FuzzLayouts(f *testing.F) {
	for _, l := range layouts {
		f.Add(l.encode())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		same := func(what string, err error, again []byte) {
			if err == nil && !bytes.HasPrefix(b, again) {
				t.Fatalf("%s: %x is accepted and encodes to %x", what, b, again)
			}
		}
		h, rest, err := ParseHeader(b)
		same("header", err, append(AppendHeader(nil, h), rest...))
		epoch, enc, err := ParseSectionHeader(b)
		same("section header", err, AppendSectionHeader(nil, epoch, enc))
		block, err := ParseBlockHeader(b)
		same("block header", err, block.Append(nil))
		content, err := ParseBlockContent(b)
		same("block", err, append(AppendBlockContent(nil, content.Codec, content.Length, content.Bases), content.Payload...))
		trailer, err := ParsePackTrailer(b)
		same("pack trailer", err, trailer.Append(nil))
		segment, err := ParseSegmentTrailer(b)
		same("segment trailer", err, segment.Append(nil))
		entry, err := ParseIndexEntry(b)
		same("index entry", err, AppendIndexEntry(nil, &entry))
		if _, rest, err := NextPackRecord(b); err == nil && !bytes.HasSuffix(b, rest) {
			t.Fatal("the rest of the table is not its end")
		}
	})
}

func FuzzDelta(f *testing.F) {
	base := []byte("the quick brown fox")
	f.Add(AppendDelta(nil, []Instruction{{Copy: true, Offset: 4, Length: 6}, {Length: 3}, {Copy: true, Offset: 0, Length: 3}}, []byte("abc")), 12)
	f.Fuzz(func(t *testing.T, delta []byte, length int) {
		instructions, literals, err := ParseDelta(nil, delta)
		got, applyErr := ApplyDelta(nil, base, delta, length)
		if applyErr == nil && (err != nil || len(got) != length) {
			t.Fatalf("%x makes %d bytes of %d and parses with %v", delta, len(got), length, err)
		}
		if err == nil && !bytes.Equal(AppendDelta(nil, instructions, literals), delta) {
			t.Fatalf("%x is accepted as %+v", delta, instructions)
		}
	})
}

func FuzzNames(f *testing.F) {
	for name := range validNames {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for kind, parse := range nameParsers {
			if again, err := parse(name); err == nil && again != name {
				t.Fatalf("%q passes for a %s, as %q", name, kind, again)
			}
		}
	})
}

func FuzzParseSecret(f *testing.F) {
	f.Add(FormatSecret(TextRecovery, [32]byte{1}))
	f.Add("firn-key aaaaaaa")
	f.Fuzz(func(t *testing.T, text string) {
		secret, kind, err := ParseSecret(text)
		if err != nil {
			return
		}
		if again, againKind, err := ParseSecret(FormatSecret(kind, secret)); err != nil || again != secret || againKind != kind {
			t.Fatalf("%q does not come back: %v", text, err)
		}
	})
}
