package bases

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"firn/internal/format"
)

func TestRoundTrip(t *testing.T) {
	f := newFixture(t)
	c := f.open()
	if !c.Empty() || len(c.Find(c.Sketch(nil, noise(1, 200<<10)), 3)) > 0 {
		t.Error("a new cache is not empty")
	}
	contents := [][]byte{noise(1, 200<<10), noise(2, 300<<10), noise(3, 100)}
	var kept []Kept
	for i, content := range contents {
		kept = append(kept, block(c, 1, i, i > 0, content))
	}
	kept[1].Depth, kept[1].Whole, kept[1].Bases = 2, 12345, []format.BaseRef{{Pack: packName(9), Offset: 3, Length: 4}}
	f.keep(c, packName(1), kept)
	for _, process := range []string{"the same process", "the next one"} {
		if c.Empty() {
			t.Fatalf("%s finds it empty", process)
		}
		for i, content := range contents {
			at := kept[i].At
			wantPlaintext(t, c, at, content)
			b, want := c.Block(at), kept[i].Block
			if b == nil || b.Chunk != want.Chunk || b.Size != want.Size || b.Depth != want.Depth || b.Whole != want.Whole ||
				!slices.Equal(b.Bases, want.Bases) {
				t.Errorf("%s: block %d is %+v", process, i, b)
			}
			if got := found(c, want.Sketch); len(want.Sketch) > 0 && !slices.Equal(got, []format.BaseRef{at}) {
				t.Errorf("%s: found %v for block %d", process, got, i)
			}
		}
		c = f.reopen(c)
	}
	if c.size != f.onDisk() {
		t.Errorf("%d bytes counted, %d on disk", c.size, f.onDisk())
	}
}

// TestNothingInClear: what is on disk says nothing.
func TestNothingInClear(t *testing.T) {
	f := newFixture(t)
	c := f.open()
	content := bytes.Repeat([]byte("a salary of 1,000 and a name"), 5000)
	f.keep(c, packName(1), []Kept{block(c, 1, 0, true, content)})
	b, err := os.ReadFile(f.path(packName(1)))
	if err != nil || bytes.Contains(b, content[:28]) || bytes.Contains(b, []byte("Sketch")) {
		t.Errorf("clear text on disk, or none: %v", err)
	}
}

// TestNewestIsFound: features lead to what was written last, in the process that wrote
// it and in the next, whatever the packs are called.
func TestNewestIsFound(t *testing.T) {
	for _, names := range [][]int{{1, 2, 3, 4, 5}, {5, 4, 3, 2, 1}, {3, 1, 5, 2, 4}} {
		f := newFixture(t)
		c := f.open()
		content := noise(1, 400<<10)
		sketch := c.Sketch(nil, content)
		var last format.BaseRef
		for night, name := range names {
			copy(content[night*1000:], noise(uint64(night), 50))
			b := block(c, name, 0, true, content)
			last = b.At
			f.keep(c, packName(name), []Kept{b})
			if night > 0 { // reading the first does not make it newer
				wantSome(t, c, format.BaseRef{Pack: packName(names[0]), Offset: 1000, Length: last.Length})
			}
			if got := found(c, sketch); len(got) == 0 || got[0] != last {
				t.Errorf("%v, night %d: found %v", names, night, got)
			}
			c = f.reopen(c)
			if got := found(c, sketch); len(got) == 0 || got[0] != last {
				t.Errorf("%v, after night %d: found %v, want %v", names, night, got, last)
			}
		}
	}
}

func wantSome(t *testing.T, c *Cache, at format.BaseRef) {
	t.Helper()
	if b, err := c.Plaintext(nil, at); err != nil || len(b) == 0 {
		t.Errorf("plaintext of %v: %d bytes, %v", at, len(b), err)
	}
}

// TestKeptTwice: the same pack once more replaces what was there.
func TestKeptTwice(t *testing.T) {
	f := newFixture(t)
	c := f.open()
	f.keep(c, packName(1), blocks(c, 1, 3, 1000, true))
	f.keep(c, packName(1), blocks(c, 1, 2, 1000, true))
	if c.size != f.onDisk() || len(f.files()) != 1 {
		t.Errorf("%d bytes counted, %d on disk in %v", c.size, f.onDisk(), f.files())
	}
	c.Drop(packName(1))
	if !c.Empty() || c.size != 0 || len(f.files()) != 0 {
		t.Errorf("%d bytes left: %v", c.size, f.files())
	}
}

func TestVanishedFile(t *testing.T) {
	f := newFixture(t)
	c := f.open()
	kept := blocks(c, 1, 2, 100<<10, true)
	f.keep(c, packName(1), kept)
	if err := os.Remove(f.path(packName(1))); err != nil {
		t.Fatal(err)
	}
	if b, err := c.Plaintext(nil, kept[0].At); !errors.Is(err, ErrUnknown) || b != nil {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if _, known := c.Kept(packName(1)); known || !c.Empty() || c.Block(kept[1].At) != nil || len(found(c, kept[1].Sketch)) > 0 || c.size != 0 {
		t.Error("what has vanished is still known")
	}
	if _, err := c.Plaintext(nil, kept[1].At); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestFailingPack: a block that cannot be had leaves nothing behind.
func TestFailingPack(t *testing.T) {
	f := newFixture(t)
	c := f.open()
	kept := blocks(c, 1, 2, 1000, true)
	broken := errors.New("broken")
	kept[1].Plaintext = func([]byte) ([]byte, error) { return nil, broken }
	if err := c.Keep(packName(1), kept); !errors.Is(err, broken) {
		t.Error(err)
	}
	if !c.Empty() || len(f.files()) > 0 {
		t.Errorf("left behind: %v", f.files())
	}
}

// TestParallel has several goroutines keep, find, read and drop.
func TestParallel(t *testing.T) {
	f := newFixture(t)
	f.budget = 300 << 10
	f.now = time.Now
	c := f.open()
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			for i := range 25 {
				pack := g*100 + i
				kept := blocks(c, pack, 2, 20<<10, i%2 == 0)
				if err := c.Keep(packName(pack), kept); err != nil {
					t.Error(err)
				}
				for _, b := range c.Find(kept[r.IntN(2)].Sketch, 3) {
					if got, err := c.Plaintext(nil, b.At); err != nil && !errors.Is(err, ErrUnknown) || err == nil && len(got) != b.Size {
						t.Errorf("%d bytes, %v", len(got), err)
					}
				}
				if i%5 == 0 {
					c.Drop(packName(g*100 + r.IntN(i+1)))
				}
				_, _ = c.Kept(packName(pack))
				_ = c.Empty()
			}
		})
	}
	all.Wait()
	if c.size != f.onDisk() || c.size > f.budget {
		t.Errorf("%d bytes counted, %d on disk, %d allowed", c.size, f.onDisk(), f.budget)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
