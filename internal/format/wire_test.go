package format

import (
	"bytes"
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// field returns one field: of wire type varint for an int, bytes for a slice.
func field(n protowire.Number, value any) []byte {
	if v, ok := value.(int); ok {
		return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), uint64(v))
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), value.([]byte))
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestDecodeRefuses(t *testing.T) {
	block := func(parts ...[]byte) []byte { return field(2, join(parts...)) }
	footer := func(parts ...[]byte) []byte {
		return join(field(1, field(3, rep(1, 8))), join(parts...), field(3, rep(1, 32)))
	}
	oneChunk := join(field(6, rep(1, 32)), field(7, []byte{5}))
	for _, c := range []struct {
		name  string
		bytes []byte
		into  codec
	}{
		{"wrong wire type, bytes for varint", field(1, []byte{1}), new(Session)},
		{"wrong wire type, varint for bytes", field(2, 1), new(Session)},
		{"wrong wire type, unpacked for packed", footer(block(field(6, rep(1, 32)), field(7, 5))), new(Footer)},
		{"fields out of order", join(field(2, []byte("a")), field(1, 1)), new(Session)},
		{"unknown fields out of order", join(field(101, 1), field(100, 1)), new(Session)},
		{"number twice", join(field(1, 1), field(1, 1)), new(Session)},
		{"string twice", join(field(2, []byte("a")), field(2, []byte("a"))), new(Session)},
		{"last field twice", join(field(4, []byte("a")), field(4, []byte("a"))), new(Session)},
		{"message twice", join(field(11, field(1, 1)), field(11, field(1, 1)), field(21, rep(0, 16))), new(Manifest)},
		{"zero number", field(1, 0), new(Session)},
		{"empty string", field(2, []byte{}), new(Session)},
		{"empty message", join(field(11, []byte{}), field(21, rep(0, 16))), new(Manifest)},
		{"long tag", []byte{0x88, 0x00, 0x01}, new(Session)},
		{"long number", []byte{0x08, 0x81, 0x00}, new(Session)},
		{"long length", []byte{0x12, 0x81, 0x00, 'a'}, new(Session)},
		{"number of 11 bytes", append([]byte{0x08}, append(rep(0xff, 10), 1)...), new(Session)},
		{"tag of field zero", []byte{0x00, 0x01}, new(Session)},
		{"group", []byte{0x2b, 0x2c}, new(Session)},
		{"unknown wire type", []byte{0x2e, 0x01}, new(Session)},
		{"unknown field breaks off", []byte{0x5a, 0x05, 0x01}, new(Session)},
		{"length over the input", []byte{0x12, 0xff, 0xff, 0xff, 0xff, 0x0f}, new(Session)},
		{"number over 32 bits", field(1, 1<<32), new(Record)},
		{"string not UTF-8", field(2, []byte{0xff}), new(Session)},
		{"short key", field(1, rep(1, 31)), new(Certificate)},
		{"long signature", field(4, rep(1, 65)), new(Certificate)},
		{"repository absent", field(2, 1), new(Bundle)},
		{"repository short", field(1, rep(1, 31)), new(Bundle)},
		{"epochs descend", join(field(5, field(1, 2)), field(5, field(1, 1))), new(Root)},
		{"revoked key short", field(14, rep(1, 5)), new(Root)},
		{"slot with no secret", field(1, rep(1, 16)), new(Slot)},
		{"slot with two secrets", join(field(1, rep(1, 16)), field(5, []byte{}), field(6, field(1, rep(1, 32)))), new(Slot)},
		{"envelope without salt", field(1, rep(1, 32)), new(Envelope)},
		{"packs descend", field(3, join([]byte("q"), rep(1, 32), []byte("p"), rep(1, 32))), new(Record)},
		{"packs repeat", field(3, join([]byte("p"), rep(1, 32), []byte("p"), rep(1, 32))), new(Record)},
		{"pack of no kind", field(3, join([]byte("x"), rep(1, 32))), new(Record)},
		{"packs break off", field(3, rep('p', 34)), new(Record)},
		{"forgotten descend", join(field(4, []byte("b")), field(4, []byte("a"))), new(Record)},
		{"chunks descend", field(6, join(rep(2, 32), rep(1, 32))), new(Record)},
		{"too many problems", join(bytes.Repeat(field(16, []byte{}), MaxProblems+1), field(21, rep(0, 16))), new(Manifest)},
		{"root without length", join(field(9, rep(1, 32)), field(21, rep(0, 16))), new(Manifest)},
		{"block without chunks", footer(block(field(3, 16))), new(Footer)},
		{"block with more IDs than lengths", footer(block(field(6, rep(1, 64)), field(7, []byte{5}))), new(Footer)},
		{"block with an empty chunk", footer(block(field(6, rep(1, 32)), field(7, []byte{0}))), new(Footer)},
		{"block in no section", footer(block(field(1, 1), oneChunk)), new(Footer)},
		{"blocks overlap", footer(block(field(3, 10), field(4, 10), oneChunk), block(field(3, 19), oneChunk)), new(Footer)},
		{"block behind the largest pack", footer(block(field(3, MaxPack), field(4, 1), oneChunk)), new(Footer)},
		{"delta without base", footer(block(field(5, 2), oneChunk)), new(Footer)},
		{"base without delta", footer(block(oneChunk, field(8, rep(1, 32)))), new(Footer)},
		{"first IDs break off", field(5, rep(1, 9)), new(Directory)},
		{"distrusted hosts break off", field(11, rep(1, 9)), new(Record)},
		{"distrusted hosts descend", field(11, append(rep(2, 8), rep(1, 8)...)), new(Record)},
		{"distrusted hosts repeat", field(11, rep(1, 16)), new(Record)},
		{"vetted segments descend", join(field(10, []byte("x/2")), field(10, []byte("x/1"))), new(Record)},
		{"page sums break off", join(field(10, rep(1, 17)), field(11, rep(1, 64))), new(Directory)},
		{"page sums without signature", field(10, rep(1, 16)), new(Directory)},
		{"signature of no page sums", field(11, rep(1, 64)), new(Directory)},
		{"entry without type", field(2, 1), new(Entry)},
		{"attributes descend", join(field(1, 1), field(17, field(1, []byte("b"))), field(17, field(1, []byte("a")))), new(Entry)},
		{"too many pieces", join(field(1, 1), field(18, bytes.Repeat([]byte{3}, InlinePieces+1))), new(Entry)},
		{"empty piece", join(field(1, 1), field(18, []byte{1})), new(Entry)},
		{"piece breaks off", join(field(1, 1), field(18, []byte{2, 1, 2})), new(Entry)},
		{"piece too large", join(field(1, 1), field(18, AppendPieces(nil, []Piece{{Length: MaxChunk + 1}}))), new(Entry)},
		{"content inline and spilled", join(field(1, 1), field(18, []byte{3}), field(19, join(field(1, rep(1, 32)), field(2, 1)))), new(Entry)},
		{"spill too deep", join(field(1, 1), field(19, join(field(1, rep(1, 32)), field(2, 1), field(3, MaxTreeDepth)))), new(Entry)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.into.Decode(c.bytes); !errors.Is(err, ErrCorrupt) {
				t.Errorf("Decode(%x) = %v, want ErrCorrupt", c.bytes, err)
			}
		})
	}
}

// TestDecodeRefusesTruncated cuts each sample at each byte. What is left is
// refused, or happens to end behind a whole field and so encodes to itself.
func TestDecodeRefusesTruncated(t *testing.T) {
	for _, s := range samples() {
		encoded := s.value.Append(nil)
		for n := range encoded {
			v := s.fresh()
			if err := v.Decode(encoded[:n]); err == nil && (s.proto == "" || !bytes.Equal(v.Append(nil), encoded[:n])) {
				t.Errorf("%s: the first %d of %d bytes are accepted", s.name, n, len(encoded))
			}
		}
	}
}

func TestDecodeSkipsUnknownFields(t *testing.T) {
	unknown := join(
		field(1000, 5), field(1000, []byte("again")),
		protowire.AppendFixed32(protowire.AppendTag(nil, 1001, protowire.Fixed32Type), 1),
		protowire.AppendFixed64(protowire.AppendTag(nil, 1002, protowire.Fixed64Type), 1),
		field(protowire.MaxValidNumber, 1),
	)
	for _, s := range samples() {
		if s.proto == "" {
			continue
		}
		v := s.fresh()
		if err := v.Decode(append(s.value.Append(nil), unknown...)); err != nil {
			t.Errorf("%s: %v", s.name, err)
		} else if !reflect.DeepEqual(v, s.value) {
			t.Errorf("%s: decodes to %+v, want %+v", s.name, v, s.value)
		}
	}
}

// TestDecodeForgets decodes over records that hold other values.
func TestDecodeForgets(t *testing.T) {
	all := samples()
	for _, s := range all {
		v := s.fresh()
		for _, before := range all {
			if reflect.TypeOf(before.value) != reflect.TypeOf(s.value) {
				continue
			}
			for _, b := range [][]byte{before.value.Append(nil), s.value.Append(nil)} {
				if err := v.Decode(b); err != nil {
					t.Fatalf("%s over %s: %v", s.name, before.name, err)
				}
			}
			if !bytes.Equal(v.Append(nil), s.value.Append(nil)) {
				t.Errorf("%s over %s leaves something behind: %+v", s.name, before.name, v)
			}
		}
	}
}

// TestDecodeKeepsNoInput overwrites the input after decoding. Pages may alias it.
func TestDecodeKeepsNoInput(t *testing.T) {
	for _, s := range samples() {
		if s.proto == "" {
			continue
		}
		v, b := s.fresh(), s.value.Append(nil)
		if err := v.Decode(b); err != nil {
			t.Fatal(err)
		}
		clear(b)
		if !reflect.DeepEqual(v, s.value) {
			t.Errorf("%s changes with its input", s.name)
		}
	}
}

// TestDecodeIsBounded feeds the inputs that make most of few bytes.
func TestDecodeIsBounded(t *testing.T) {
	const size = 8 << 20
	for _, c := range []struct {
		name string
		unit []byte
		into codec
	}{
		{"epochs", field(5, []byte{}), new(Root)},
		{"features", field(4, []byte{}), new(Root)},
		{"blocks", field(2, []byte{}), new(Footer)},
		{"attributes", field(17, []byte{}), new(Entry)},
	} {
		t.Run(c.name, func(t *testing.T) {
			input := bytes.Repeat(c.unit, size/len(c.unit))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := c.into.Decode(input)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("Decode = %v, want ErrCorrupt", err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 1<<30 {
				t.Errorf("decoding %d bytes allocated %d", len(input), used)
			}
		})
	}
}

func TestDecodeRefusesLargeRecord(t *testing.T) {
	if err := new(Session).Decode(make([]byte, MaxRecord+1)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Decode = %v, want ErrCorrupt", err)
	}
}

func TestStringsBecomeUTF8(t *testing.T) {
	s := Session{Host: "b\xfcro", Command: strings.Repeat("\xff", 3)}
	var got Session
	if err := got.Decode(s.Append(nil)); err != nil {
		t.Fatal(err)
	}
	if got.Host != "b\uFFFDro" || got.Command != "\uFFFD" {
		t.Errorf("got %q and %q", got.Host, got.Command)
	}
}

func TestAppendPutsSetsInOrder(t *testing.T) {
	r := Record{
		CondemnedPacks: []PackName{pack(KindMeta, 1), pack(KindData, 2), pack(KindMeta, 1)},
		Forgotten:      []string{"b", "a", "b"},
		DamagedChunks:  []ID{id(2), id(1)},
	}
	var got Record
	if err := got.Decode(r.Append(nil)); err != nil {
		t.Fatal(err)
	}
	want := Record{
		CondemnedPacks: []PackName{pack(KindData, 2), pack(KindMeta, 1)},
		Forgotten:      []string{"a", "b"},
		DamagedChunks:  []ID{id(1), id(2)},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if r.Forgotten[0] != "b" {
		t.Error("Append changed its receiver")
	}
	e := Entry{Type: TypeFile, Attributes: []Attribute{{Name: []byte("b")}, {Name: []byte("a")}}}
	if err := new(Entry).Decode(e.Append(nil)); err != nil {
		t.Error(err)
	}
}

func TestManifestKeepsFirstProblems(t *testing.T) {
	m := Manifest{Problems: make([]Problem, MaxProblems+5)}
	var got Manifest
	if err := got.Decode(m.Append(nil)); err != nil {
		t.Fatal(err)
	}
	if len(got.Problems) != MaxProblems {
		t.Errorf("%d problems", len(got.Problems))
	}
}

// TestAppendSigned checks that all fields are signed but those that the format
// page leaves out.
func TestAppendSigned(t *testing.T) {
	unsigned := map[string][]protowire.Number{
		"Certificate": {4}, "Root": {15}, "Slot": {8}, "Envelope": {7}, "Footer": {4, 5}, "Directory": {9, 10, 11},
	}
	for _, s := range samples() {
		signer, ok := s.value.(interface{ AppendSigned([]byte) []byte })
		if _, listed := unsigned[s.proto]; ok != listed {
			t.Errorf("%s: has signed fields: %v, want %v", s.name, ok, listed)
		}
		if !ok {
			continue
		}
		var signed []byte
		for rest := s.value.Append(nil); len(rest) > 0; {
			number, _, n := protowire.ConsumeField(rest)
			if !slices.Contains(unsigned[s.proto], number) {
				signed = append(signed, rest[:n]...)
			}
			rest = rest[n:]
		}
		if !bytes.Equal(signer.AppendSigned(nil), signed) {
			t.Errorf("%s: not just fields %d are left out of what is signed", s.name, unsigned[s.proto])
		}
	}
}
