package repo

import (
	"bytes"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"firn/internal/format"
)

func baseAt(n int) format.BaseRef { return format.BaseRef{Offset: uint32(n), Length: 1} }

func fill(n, size int) func([]byte) ([]byte, error) {
	return func(dst []byte) ([]byte, error) { return append(dst, bytes.Repeat([]byte{byte(n)}, size)...), nil }
}

func TestBaseContents(t *testing.T) {
	const size, kept = 1000, 4
	c := newBaseContents(kept * size)
	decoded := 0
	want := func(n int, fresh bool) {
		t.Helper()
		before := decoded
		got, err := c.append([]byte("x"), baseAt(n), size, func(dst []byte) ([]byte, error) {
			decoded++
			return fill(n, size)(dst)
		})
		if err != nil || len(got) != 1+size || got[0] != 'x' || bytes.Count(got, []byte{byte(n)}) < size {
			t.Fatalf("base %d: %d bytes, %v", n, len(got), err)
		}
		if (decoded > before) != fresh {
			t.Errorf("base %d: decoded %t, want %t", n, decoded > before, fresh)
		}
	}
	for n := range kept {
		want(n, true)
	}
	want(0, false)    // and is now the one used last
	want(kept, true)  // drives out 1
	want(0, false)    //
	want(1, true)     // drives out 2
	want(kept, false) //
	if c.size > c.limit || len(c.at) != c.order.Len() {
		t.Errorf("%d bytes in %d places, limit %d", c.size, len(c.at), c.limit)
	}

	broken := errors.New("cannot be read")
	if _, err := c.append(nil, baseAt(9), size, func([]byte) ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	want(9, true) // it was not kept as if it were there
}

// TestBaseContentsAtOnce: what several want at once is decoded once, and nobody sees
// memory that went to another.
func TestBaseContentsAtOnce(t *testing.T) {
	const size, bases = 5000, 8
	c := newBaseContents(3 * size)
	var decoded atomic.Int32
	together := func(do func()) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(do)
		}
		all.Wait()
	}
	together(func() {
		if _, err := c.append(nil, baseAt(bases), size, func(dst []byte) ([]byte, error) {
			decoded.Add(1)
			return fill(bases, size)(dst)
		}); err != nil {
			t.Error(err)
		}
	})
	if n := decoded.Load(); n != 1 {
		t.Errorf("decoded %d times", n)
	}
	together(func() {
		for i := range 400 {
			n := i * 7 % bases
			got, err := c.append(nil, baseAt(n), size, fill(n, size))
			if err != nil || bytes.Count(got, []byte{byte(n)}) != size {
				t.Errorf("base %d: %d bytes that are its own, %v", n, bytes.Count(got, []byte{byte(n)}), err)
			}
		}
	})
}
