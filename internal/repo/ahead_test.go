package repo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
)

// rangeStore is a drive with one kind of pack: it holds no bytes but
// makes them, and notes what is asked for.
type rangeStore struct {
	object.Store
	size int64                                // of each pack
	hide bool                                 // nobody knows the size
	fail func(offset int64, length int) error // of reading; nil: never

	mu     sync.Mutex // guards the two below
	ranges [][2]int64 // offset and length of what was read
	failed int
}

func (s *rangeStore) GetRange(ctx context.Context, _ string, p []byte, offset int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	s.ranges = append(s.ranges, [2]int64{offset, int64(len(p))})
	s.mu.Unlock()
	var err error
	if s.fail != nil {
		err = s.fail(offset, len(p))
	}
	if err == nil && offset+int64(len(p)) > s.size {
		err = object.ErrShort
	}
	if err != nil {
		s.mu.Lock()
		s.failed++
		s.mu.Unlock()
		return err
	}
	for n := 0; n < len(p); {
		n += copy(p[n:], pattern[(offset+int64(n))%int64(len(pattern)):])
	}
	return nil
}

func (s *rangeStore) reads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ranges)
}

// pattern is what every pack holds, over and over; its length is a prime.
var pattern = randomBytes(1, 65_521)

// byteAt is the byte of every pack at an offset.
func byteAt(offset int64) byte { return pattern[offset%int64(len(pattern))] }

func newRangeStore(size int64) (*rangeStore, *readAhead) {
	s := &rangeStore{size: size}
	return s, newReadAhead(&Repository{store: s}, func(format.PackName) uint64 {
		if s.hide {
			return 0
		}
		return uint64(s.size)
	})
}

var somePack = format.PackName{Kind: format.KindData, Hash: format.ID{1}}

// readAt reads a block and compares it.
func readAt(ctx context.Context, a *readAhead, pack format.PackName, offset, length uint32) error {
	w, err := a.read(ctx, pack, BlockAt{offset, length})
	if err != nil {
		return err
	}
	got, ok := w.slice(offset, length)
	if !ok {
		return fmt.Errorf("%d bytes from %d on do not hold %d from %d on", len(w.bytes), w.start, length, offset)
	}
	for _, i := range []uint32{0, length / 2, length - 1} {
		if got[i] != byteAt(int64(offset)+int64(i)) {
			return fmt.Errorf("wrong byte at %d", offset+i)
		}
	}
	return nil
}

func mustReadAt(t *testing.T, a *readAhead, offset, length uint32) {
	t.Helper()
	if err := readAt(t.Context(), a, somePack, offset, length); err != nil {
		t.Errorf("read %d at %d: %v", length, offset, err)
	}
}

// TestReadsAheadInOrder: blocks one behind the other cost few requests, and
// none reaches beyond the pack.
func TestReadsAheadInOrder(t *testing.T) {
	const size, block = 60<<20 + 12345, 100 << 10
	for _, backwards := range []bool{false, true} {
		s, a := newRangeStore(size)
		for i := range uint32(size / block) {
			if backwards {
				i = size/block - 1 - i
			}
			mustReadAt(t, a, 1024+i*block, block-1024)
		}
		if n := s.reads(); n > size/aheadSize+8 || s.failed > 0 {
			t.Errorf("backwards %v: %d reads, %d of them failed", backwards, n, s.failed)
		}
		var total int64
		for _, r := range s.ranges {
			total += r[1]
		}
		if total > size+3*aheadSize {
			t.Errorf("backwards %v: %d bytes read of %d", backwards, total, size)
		}
	}
}

// TestReadsNoMoreThanAsked where blocks are far from each other, or the index does
// not say how large a pack is.
func TestReadsNoMoreThanAsked(t *testing.T) {
	const length = 5000
	s, a := newRangeStore(1 << 30)
	for i := range uint32(30) {
		mustReadAt(t, a, rangeGap+100+i*3*aheadSize, length)
	}
	s.wantExact(t, length)
	s, a = newRangeStore(1 << 30)
	s.hide = true
	for i := range uint32(30) {
		mustReadAt(t, a, aheadSize-50_000+i*length, length)
	}
	s.wantExact(t, length)
}

func (s *rangeStore) wantExact(t *testing.T, length int64) {
	t.Helper()
	for _, r := range s.ranges {
		if r[1] != length {
			t.Errorf("read %d bytes at %d", r[1], r[0])
		}
	}
}

// TestWideReadFails: then what was asked for is read by itself, and nothing of
// the failure is remembered.
func TestWideReadFails(t *testing.T) {
	const length = 20_000
	s, a := newRangeStore(40 << 20)
	broken := errors.New("too much at once")
	s.fail = func(_ int64, n int) error {
		if n > length {
			return broken
		}
		return nil
	}
	for i := range uint32(20) {
		mustReadAt(t, a, 1000+i*length, length)
	}
	if s.failed < 5 {
		t.Errorf("%d wide reads failed", s.failed)
	}
	s.fail = nil
	before := s.reads()
	for i := uint32(20); i < 200; i++ {
		mustReadAt(t, a, 1000+i*length, length)
	}
	if n := s.reads() - before; n > 3 {
		t.Errorf("%d reads once it works again", n)
	}
	s.fail = func(int64, int) error { return broken }
	err := readAt(t.Context(), a, somePack, 30<<20, length)
	if !errors.Is(err, broken) || err.Error() == broken.Error() {
		t.Errorf("a read that fails: %v", err)
	}
	s.fail = nil
	mustReadAt(t, a, 30<<20, length)
}

// TestNoSuchBlock: places that no block can have, as a hostile writer may name
// them, are damage and cost nothing.
func TestNoSuchBlock(t *testing.T) {
	s, a := newRangeStore(40 << 20)
	for _, at := range []BlockAt{{0, 100}, {format.HeaderSize - 1, 100}, {1 << 31, 100}, {1<<32 - 1, 100}, {1000, 1 << 24}, {1000, 1<<32 - 1}} {
		if err := readAt(t.Context(), a, somePack, at.Offset, at.Length); !errors.Is(err, ErrDamaged) {
			t.Errorf("%v: %v", at, err)
		}
	}
	if s.reads() > 0 || a.held() > 0 {
		t.Errorf("%d reads, %d bytes kept", s.reads(), a.held())
	}
}

// TestHeaderComesAlong: the first read of a pack brings the header of its first section.
func TestHeaderComesAlong(t *testing.T) {
	s, a := newRangeStore(40 << 20)
	w, err := a.read(t.Context(), somePack, BlockAt{5000, 100})
	if _, ok := w.slice(format.HeaderSize, format.SectionHeaderSize); err != nil || !ok || s.reads() != 1 {
		t.Errorf("%d bytes from %d on in %d reads, %v", len(w.bytes), w.start, s.reads(), err)
	}
}

// warm has a reader find out that a pack is read in order.
func warm(t *testing.T, a *readAhead) {
	t.Helper()
	for i := range uint32(3) {
		mustReadAt(t, a, 1000+i*1000, 1000)
	}
}

// TestWaitersOfAFailingRead get their blocks all the same.
func TestWaitersOfAFailingRead(t *testing.T) {
	s, a := newRangeStore(40 << 20)
	warm(t, a)
	reading, proceed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.fail = func(_ int64, n int) error {
		if n > 5000 {
			once.Do(func() { close(reading) })
			<-proceed
			return object.ErrUnreachable
		}
		return nil
	}
	var all sync.WaitGroup
	all.Go(func() {
		if err := readAt(t.Context(), a, somePack, aheadSize, 1000); err != nil {
			t.Errorf("who read: %v", err)
		}
	})
	<-reading
	for i := range uint32(5) {
		all.Go(func() {
			if err := readAt(t.Context(), a, somePack, aheadSize+i*1000, 1000); err != nil {
				t.Errorf("who waited: %v", err)
			}
		})
	}
	close(proceed)
	all.Wait()
}

// TestCancelledReadAhead: who is interrupted gets out at once and leaves the others
// what they need.
func TestCancelledReadAhead(t *testing.T) {
	s, a := newRangeStore(40 << 20)
	warm(t, a)
	reading, proceed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	ctx, cancel := context.WithCancel(t.Context())
	s.fail = func(_ int64, n int) error {
		if n > 5000 {
			once.Do(func() { close(reading) })
			<-proceed
			return ctx.Err()
		}
		return nil
	}
	var all sync.WaitGroup
	all.Go(func() {
		if err := readAt(ctx, a, somePack, aheadSize, 1000); !errors.Is(err, context.Canceled) {
			t.Errorf("who read: %v", err)
		}
	})
	<-reading
	waiting, stop := context.WithCancel(t.Context())
	stop()
	if err := readAt(waiting, a, somePack, aheadSize+1000, 1000); !errors.Is(err, context.Canceled) {
		t.Errorf("who waited and was interrupted: %v", err)
	}
	all.Go(func() {
		if err := readAt(t.Context(), a, somePack, aheadSize+2000, 1000); err != nil {
			t.Errorf("who waited: %v", err)
		}
	})
	cancel()
	close(proceed)
	all.Wait()
}

// TestManyReadAhead: many goroutines read many packs, a part of the reads fails, and what is
// kept in memory stays bounded.
func TestManyReadAhead(t *testing.T) {
	s, a := newRangeStore(33<<20 + 77)
	s.fail = func(offset int64, n int) error {
		if n > 100_000 && byteAt(offset/1000) < 60 {
			return object.ErrUnreachable
		}
		return nil
	}
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 9))
			pack := format.PackName{Kind: format.KindData, Hash: format.ID{byte(g % 3)}}
			at := uint32(100)
			for range 300 {
				length := 1 + r.Uint32N(60_000)
				if r.IntN(20) == 0 {
					at = r.Uint32N(32 << 20)
				}
				if err := readAt(t.Context(), a, pack, at, length); err != nil {
					t.Errorf("read %d at %d: %v", length, at, err)
				}
				at = (at + length) % (32 << 20)
				if held := a.held(); held > aheadKept+2*aheadSize {
					t.Errorf("%d bytes are kept", held)
				}
			}
		})
	}
	all.Wait()
	if s.failed == 0 || s.reads()-s.failed > 8*300 {
		t.Errorf("%d reads, %d failed", s.reads(), s.failed)
	}
}

// held is the bytes of all stretches in memory.
func (a *readAhead) held() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.recent {
		n += int(s.end - s.window.start)
	}
	return n
}
