package format

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"
)

func TestApplyDelta(t *testing.T) {
	base := []byte("the quick brown fox")
	instructions := []Instruction{{Copy: true, Offset: 4, Length: 6}, {Length: 4}, {Copy: true, Offset: 16, Length: 3}, {Copy: true, Offset: 0, Length: 3}}
	delta := AppendDelta(nil, instructions, []byte("red "))
	got, err := ApplyDelta([]byte("> "), base, delta, 16)
	if err != nil || string(got) != "> quick red foxthe" {
		t.Errorf("got %q, %v", got, err)
	}
	parsed, literals, err := ParseDelta(nil, delta)
	if err != nil || len(parsed) != 4 || parsed[2] != instructions[2] || string(literals) != "red " {
		t.Errorf("got %+v, %q, %v", parsed, literals, err)
	}
}

func TestApplyDeltaRefuses(t *testing.T) {
	base := rep('b', 100)
	raw := func(parts ...uint64) (b []byte) {
		for _, p := range parts {
			b = protowire.AppendVarint(b, p)
		}
		return b
	}
	for _, c := range []struct {
		name   string
		delta  []byte
		length int
		parses bool // refused only for its base or length
	}{
		{"nothing", nil, 0, false},
		{"count too high", raw(5, 2), 1, false},
		{"empty instruction", raw(1, 0), 0, false},
		{"instruction breaks off", raw(1, 5<<1|1), 5, false},
		{"literals too few", raw(1, 5<<1, 'a'), 5, false},
		{"literals too many", raw(1, 1<<1, 'a', 'b'), 1, false},
		{"copy before the base", raw(1, 5<<1|1, protowire.EncodeZigZag(-1)), 5, false},
		{"copy far away", raw(1, 5<<1|1, protowire.EncodeZigZag(MaxContent)), 5, false},
		{"copy farther", raw(1, 5<<1|1, 1<<63), 5, false},
		{"copy behind the base", raw(1, 5<<1|1, protowire.EncodeZigZag(96)), 5, true},
		{"result too short", raw(1, 5<<1|1, 0), 6, true},
		{"result too long", raw(1, 5<<1|1, 0), 4, true},
		{"instruction too large", raw(1, (MaxContent+1)<<1|1, 0), MaxContent, false},
		{"length too large", raw(1, 5<<1|1, 0), MaxContent + 1, true},
		{"delta too large", make([]byte, MaxDelta+1), 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := ApplyDelta(nil, base, c.delta, c.length); !errors.Is(err, ErrCorrupt) {
				t.Errorf("ApplyDelta = %q, %v, want ErrCorrupt", got, err)
			}
			if _, _, err := ParseDelta(nil, c.delta); (err == nil) != c.parses {
				t.Errorf("ParseDelta = %v", err)
			}
		})
	}
	bomb := AppendDelta(nil, []Instruction{{Copy: true, Length: MaxContent}, {Copy: true, Length: 1}}, nil)
	if _, _, err := ParseDelta(nil, bomb); !errors.Is(err, ErrCorrupt) {
		t.Errorf("ParseDelta of a result too large: %v", err)
	}
}

// TestApplyDeltaIsBounded asks for one byte of a delta that makes very many.
func TestApplyDeltaIsBounded(t *testing.T) {
	base := rep('b', 1<<20)
	bomb := AppendDelta(nil, slices.Repeat([]Instruction{{Copy: true, Length: 1 << 20}}, 200), nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := ApplyDelta(nil, base, bomb, 1)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrCorrupt) {
		t.Errorf("ApplyDelta = %v, want ErrCorrupt", err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("a result of one byte allocated %d", used)
	}
}

func TestDeltaComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "base")
		var instructions []Instruction
		var literals, want []byte
		for range rapid.IntRange(0, 20).Draw(t, "instructions") {
			if rapid.Bool().Draw(t, "copy") {
				from := rapid.IntRange(0, len(base)-1).Draw(t, "from")
				n := rapid.IntRange(1, len(base)-from).Draw(t, "length")
				instructions = append(instructions, Instruction{Copy: true, Offset: uint32(from), Length: uint32(n)})
				want = append(want, base[from:from+n]...)
				continue
			}
			text := rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(t, "literals")
			instructions = append(instructions, Instruction{Length: uint32(len(text))})
			literals, want = append(literals, text...), append(want, text...)
		}
		delta := AppendDelta(nil, instructions, literals)
		got, err := ApplyDelta(nil, base, delta, len(want))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got %x, %v, want %x", got, err, want)
		}
		parsed, rest, err := ParseDelta(nil, delta)
		if err != nil || !bytes.Equal(AppendDelta(nil, parsed, rest), delta) {
			t.Fatalf("parsed %+v, %v", parsed, err)
		}
	})
}
