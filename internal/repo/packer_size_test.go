package repo

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func always() bool { return true }

// TestPacksInMemory bounds what packs take of memory, larger ones too.
func TestPacksInMemory(t *testing.T) {
	for _, test := range []struct {
		size   int
		steady bool
	}{{256 << 10, true}, {defaultPackSize, false}, {ColdPackSize, true}} {
		b := newPackBuffers(test.size, test.steady, always, func(string) {})
		for range slabs {
			if _, err := b.take(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		memory := 0
		for _, s := range b.slabs {
			memory += cap(s.memory)
		}
		if memory > 100<<20 || memory < slabs*test.size {
			t.Errorf("packs of %d bytes: %d bytes in memory", test.size, memory)
		}
		for _, size := range b.sizes {
			if size < test.size/4 {
				t.Errorf("packs of %d bytes instead of %d: prune would join them", size, test.size)
			}
		}
	}
}

// TestPackBuffersAdapt goes up the ladder while packs of the size before are on their way:
// no two packs share a byte.
func TestPackBuffersAdapt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newPackBuffers(1<<20, false, always, func(string) {})
		flying, landed := make(chan packBuffer, 16), make(chan struct{})
		go func() {
			defer close(landed)
			for buf := range flying {
				time.Sleep(time.Second)
				if whole := buf.bytes[:cap(buf.bytes)]; whole[0] != whole[len(whole)-1] {
					t.Errorf("another pack was written into one of %d bytes", buf.size)
				}
				b.landed(buf.size, time.Now())
				b.giveBack(buf)
			}
		}()
		sizes := map[int]int{}
		for i := range 60 {
			buf, err := b.take(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			whole := buf.bytes[:cap(buf.bytes)]
			whole[0], whole[len(whole)-1] = byte(i), byte(i)
			sizes[buf.size]++
			flying <- buf
		}
		close(flying)
		<-landed
		if len(sizes) != len(slabShares) {
			t.Errorf("packs of these sizes: %v; want %d", sizes, len(slabShares))
		}
	})
}

// TestPackBuffersWait waits for a buffer no longer than its context lives.
func TestPackBuffersWait(t *testing.T) {
	b := newPackBuffers(1<<20, true, always, func(string) {})
	var last packBuffer
	for range slabs {
		var err error
		if last, err = b.take(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.take(ctx); err == nil {
		t.Error("a buffer too many")
	}
	b.giveBack(last)
	if _, err := b.take(t.Context()); err != nil {
		t.Error(err)
	}
}
