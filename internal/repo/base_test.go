package repo

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"firn/internal/delta"
	"firn/internal/format"
)

// chained makes versions of content, each a delta on one or two before it, and the
// recipe of the last.
func chained(t *testing.T, random *rand.Rand) (contents [][]byte, last *base) {
	t.Helper()
	var encoder delta.Encoder
	var made []*base
	for i := range 2 {
		contents = append(contents, randomBytes(uint64(i)+random.Uint64N(1000), 40<<10+random.IntN(9000)))
		made = append(made, &base{content: contents[i]})
	}
	for range maxDeltaDepth {
		below := []int{len(made) - 1, random.IntN(len(made) - 1)}[:1+random.IntN(2)]
		var stood []byte
		r := &recipe{}
		for _, i := range below {
			stood = append(stood, contents[i]...)
			r.bases = append(r.bases, made[i])
		}
		from := random.IntN(len(stood) / 4)
		content := overwritten(stood[from:], random.Uint64N(1000), 2)
		content = append(content, randomBytes(random.Uint64N(1000), random.IntN(3000))...)
		text, ok := encoder.Append(nil, stood, content, len(content))
		if !ok {
			t.Fatal("no delta")
		}
		var err error
		if r.program, err = parseProgram(text, len(content)); err != nil {
			t.Fatal(err)
		}
		r.length = len(content)
		contents, made = append(contents, content), append(made, &base{recipe: r})
	}
	return contents, made[len(made)-1]
}

// TestRecipe: what a delta on deltas makes, whole and in part, is what was encoded.
func TestRecipe(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 3))
		contents, last := chained(t, random)
		want := contents[len(contents)-1]
		got, err := last.recipe.content(nil)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("seed %d: %d bytes of %d are another content, %v", seed, len(got), len(want), err)
		}
		for range 50 {
			from := random.IntN(len(want))
			n := random.IntN(len(want) - from + 1)
			if part, err := last.append([]byte("x"), from, n); err != nil || !bytes.Equal(part[1:], want[from:from+n]) {
				t.Fatalf("seed %d: %d bytes from %d on are others, %v", seed, n, from, err)
			}
		}
	}
}

// TestRecipeDamage: programs that reach beyond what there is, or make too much or too
// little, are damage.
func TestRecipeDamage(t *testing.T) {
	copies := func(offset, length uint32) []byte {
		return format.AppendDelta(nil, []format.Instruction{{Length: 3}, {Copy: true, Offset: offset, Length: length}}, []byte("abc"))
	}
	for _, c := range []struct {
		delta  []byte
		length int
		want   string
	}{
		{copies(0, 10), 13, "abc0123456789"},
		{copies(4, 6), 9, "abc456789"},
		{copies(4, 7), 10, ""},
		{copies(400, 7), 10, ""},
		{copies(0, 10), 12, ""},
		{copies(0, 10), 14, ""},
		{copies(0, 10)[1:], 13, ""},
		{nil, 0, ""},
	} {
		r := recipe{length: c.length, bases: []*base{{content: []byte("01234")}, {content: []byte("56789")}}}
		var got []byte
		var err error
		if r.program, err = parseProgram(c.delta, c.length); err == nil {
			got, err = r.content(nil)
		}
		if c.want == "" && !errors.Is(err, ErrDamaged) || c.want != "" && (err != nil || string(got) != c.want) {
			t.Errorf("%x of %d bytes: %q, %v", c.delta, c.length, got, err)
		}
	}
}
