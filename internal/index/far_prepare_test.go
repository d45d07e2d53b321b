package index

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"firn/internal/format"
	"firn/internal/object"
)

// meeting lets reads of segments go on when so many are under way, if they ever are.
type meeting struct {
	object.Store
	mu      sync.Mutex // guards the two below
	waiting int        // reads still to come; no meeting if 0
	all     chan struct{}
}

func (m *meeting) expect(reads int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting, m.all = reads, make(chan struct{})
}

func (m *meeting) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	m.mu.Lock()
	all := m.all
	if m.waiting > 0 {
		if m.waiting--; m.waiting == 0 {
			close(all)
		}
	}
	m.mu.Unlock()
	if all != nil {
		select {
		case <-all:
		case <-time.After(time.Minute):
			return context.DeadlineExceeded
		}
	}
	return m.Store.GetRange(ctx, name, p, offset)
}

// TestFarReadsPagesAtOnce: where several segments may have a chunk, their pages are read
// at once and not in turn.
func TestFarReadsPagesAtOnce(t *testing.T) {
	d := newDrive(t)
	r := rand.New(rand.NewPCG(1, 2))
	id := randomID(r)
	const copies = 5
	for range copies {
		c := randomContent(r, 1, 30)
		c.entries[0] = append(c.entries[0], PackEntry{ID: id, BlockOffset: 16, BlockLength: 100})
		d.addSummed(t, c)
	}
	far := d.far(t, never)
	m := &meeting{Store: d.Store}
	mirror := must(OpenMirror(t.TempDir()))(t)
	v := must(mirror.View(t.Context(), m, d.keys, d.names(), far))(t)
	m.expect(copies)
	met := 0
	_, found, err := v.Lookup(format.ID(append(id[:], make([]byte, 16)...)), func(*format.PackInfo) bool { met++; return false })
	if err != nil || found || met != copies {
		t.Errorf("%v, found: %v, %d copies of %d", err, found, met, copies)
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
	if err := mirror.Close(); err != nil {
		t.Error(err)
	}
}
