package backup

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/source"
	"firn/internal/tree"
)

// parent walks the parent snapshot's tree beside the source, so that each
// entry meets what was there before. It is used by the walking goroutine only.
type parent struct {
	lane *lane
	base *repo.KnownTree // nil: no parent
	read tree.Reader
	next func() (tree.Item, error, bool)
	stop func()
	at   tree.Item // the item the walk stands on
	live bool      // at is valid
}

func openParent(ctx context.Context, l *lane, base *repo.KnownTree) *parent {
	p := &parent{lane: l, base: base, stop: func() {}}
	if base == nil {
		return p
	}
	p.read = repo.CachedPages{Repository: l.drive.Repo}
	if l.drive.Repo.Keys().ReadsMetadata() {
		p.read = l.session.Reader()
	}
	root := tree.Root{ID: base.Root, Length: base.RootLength, Sums: base.Sums}
	p.next, p.stop = iter.Pull2(tree.Walk(ctx, p.read, root, nil))
	p.advance()
	return p
}

// advance goes on to the next item. A tree that cannot be read on only costs
// reading the rest of the source.
func (p *parent) advance() {
	item, err, ok := p.next()
	if err != nil {
		p.lane.warn("parent snapshot cannot be read on, the rest is read anew: %v", err)
		ok = false
	}
	p.at, p.live = item, ok
}

// entry returns what the parent has under key, or nil. Keys must ascend. The
// entry is good until the next call.
func (p *parent) entry(key []byte) *format.Entry {
	for p.live {
		switch bytes.Compare(p.at.Key, key) {
		case 0:
			return p.at.Entry
		case 1:
			return nil
		}
		p.advance()
	}
	return nil
}

// unchanged returns before's content when it may be taken over for now.
func (p *parent) unchanged(ctx context.Context, before, now *format.Entry) bool {
	if before == nil || !source.Same(before, now) {
		return false
	}
	inherits := p.lane.session.MayInherit()
	if inherits == nil {
		return true
	}
	for piece, err := range tree.Content(ctx, soundPages{p.read, inherits}, before) {
		if err != nil || !piece.Hole && !inherits(piece.ID) {
			return false
		}
	}
	return true
}

// soundPages reads all pages but those that are not to be built on as the drive has
// them, also where the cache has them: only what is built anew is stored anew.
type soundPages struct {
	tree.Reader
	inherits func(format.ID) bool
}

func (r soundPages) ReadPage(ctx context.Context, id format.ID, length uint32) ([]byte, error) {
	if !r.inherits(id) {
		return nil, fmt.Errorf("tree page %s: %w", id, repo.ErrDamaged)
	}
	return r.Reader.ReadPage(ctx, id, length)
}

func (p *parent) close() { p.stop() }

// takeOver gives now the content that before has.
func takeOver(now, before *format.Entry) {
	now.Size = before.Size
	now.Content = append([]format.Piece(nil), before.Content...)
	if before.Spilled != nil {
		spill := *before.Spilled
		now.Spilled = &spill
	}
	now.Flags |= before.Flags & format.FlagSparse
}
