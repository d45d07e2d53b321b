package main

import (
	"context"
	"errors"
	"fmt"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
)

// depths counts blocks by how many deltas are applied to have their content; the first
// are stored whole.
type depths [format.MaxDeltaDepth + 1]int

// ledger knows the blocks of the drive.
type ledger struct {
	depth map[format.BaseRef]int
	seen  map[format.PackName]bool
}

func newLedger() *ledger {
	return &ledger{depth: map[format.BaseRef]int{}, seen: map[format.PackName]bool{}}
}

// note reads the footers of data packs that are new, and counts their blocks.
func (l *ledger) note(ctx context.Context, p *program) (found depths, err error) {
	store, err := object.OpenDir(p.drive(), false)
	if err != nil {
		return found, err
	}
	r, err := repo.Open(ctx, store, repo.OpenOptions{Secret: p.secret, Cache: p.file("cache")})
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	fresh := map[format.BaseRef]*format.Block{}
	for info, err := range store.List(ctx, format.PrefixData) {
		if err != nil {
			return found, err
		}
		name, err := format.ParsePackName(info.Name)
		if err != nil {
			return found, err
		}
		if l.seen[name] {
			continue
		}
		l.seen[name] = true
		footer, err := r.ReadFooter(ctx, name, info.Size)
		if err != nil {
			return found, err
		}
		for _, b := range footer.Blocks {
			fresh[format.BaseRef{Pack: name.Hash, Offset: b.Offset, Length: b.Length}] = &b
		}
	}
	for at := range fresh {
		depth, err := l.follow(fresh, at)
		if err != nil {
			return found, err
		}
		found[depth]++
	}
	return found, nil
}

// follow returns the depth of a block.
func (l *ledger) follow(fresh map[format.BaseRef]*format.Block, at format.BaseRef) (int, error) {
	if depth, known := l.depth[at]; known {
		return depth, nil
	}
	b := fresh[at]
	if b == nil {
		return 0, fmt.Errorf("a delta stands on a block at %d of %x, which is not there", at.Offset, at.Pack[:4])
	}
	depth := 0
	for _, base := range b.Bases {
		below, err := l.follow(fresh, base)
		if err != nil {
			return 0, err
		}
		depth = max(depth, below+1)
	}
	if depth > format.MaxDeltaDepth {
		return 0, fmt.Errorf("a block stands on %d others, one behind the other", depth)
	}
	l.depth[at] = depth
	return depth, nil
}
