package check

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"firn/internal/format"
	"firn/internal/snapshot"
	"firn/internal/tree"
)

// treeReaders is the number of snapshots whose trees are read at once.
const treeReaders = 4

// marker gathers what snapshots consist of. Each page is read once, however
// many snapshots share it. It is safe for concurrent use.
type marker struct {
	reader tree.Reader
	needed *needs

	mu   sync.Mutex // guards seen
	seen map[format.ShortID]struct{}
}

func newMarker(rd tree.Reader, needed *needs) *marker {
	return &marker{reader: rd, needed: needed, seen: map[format.ShortID]struct{}{}}
}

// first reports whether a page was not seen before.
func (m *marker) first(id format.ID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.seen)
	m.seen[id.Short()] = struct{}{}
	return len(m.seen) > before
}

// mark marks a snapshot. damage decides as in tree.Found.
func (m *marker) mark(ctx context.Context, s *snapshot.Snapshot, number uint32, damage func(error) error) error {
	visit := func(id format.ID, length uint32, _ int) bool {
		if !m.first(id) {
			return false
		}
		m.needed.add(id, length, number)
		return true
	}
	found := tree.Found{
		Chunk:  func(id format.ID, length uint32) { m.needed.add(id, length, number) },
		Damage: damage,
	}
	if err := tree.Pages(ctx, m.reader, s.Tree(), visit, found); err != nil {
		return fmt.Errorf("read snapshot %s: %w", s.Short(), err)
	}
	return nil
}

// checkTrees reads all pages of all snapshots and gathers what they need.
func (c *checker) checkTrees() error {
	c.pages = newPageReader(c)
	c.needed = newNeeds(defaultRun)
	m := newMarker(c.pages, c.needed)
	g, ctx := errgroup.WithContext(c.ctx)
	g.SetLimit(treeReaders)
	for _, s := range c.set.Snapshots {
		g.Go(func() error {
			return m.mark(ctx, s, 0, func(err error) error { return c.treeDamage(s, err) })
		})
	}
	err := g.Wait()
	c.pages.forget()
	c.report.Pages = uint64(len(m.seen))
	return err
}

// treeDamage judges what is wrong with a page. Where the page is stored badly
// its pack was blamed, and the census tells if it is nowhere; a page that is as
// it was written and still not to be believed is told here.
func (c *checker) treeDamage(s *snapshot.Snapshot, err error) error {
	switch {
	case errors.Is(err, tree.ErrDamaged), errors.Is(err, tree.ErrPiece):
		f := &Finding{
			Kind: Contradictory, Object: format.ManifestObject(s.Session), Harm: true,
			Detail: "its tree contradicts itself: " + err.Error(),
		}
		f.suffers(s.ID())
		c.ledger.suffer(s.ID())
		c.ledger.add(f)
		return nil
	case c.isGone(err):
		return nil
	}
	return err
}
