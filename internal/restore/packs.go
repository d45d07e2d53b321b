package restore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/repo"
	"firn/internal/tree"
)

// Packs returns every data pack that a restore of the part would read, in order
// of their names, those that only deltas stand on included. Where chunks have
// several copies, the gate of opts says which are preferred. What is lost is left
// out: the restore itself names it. No data pack is read.
func Packs(ctx context.Context, rd *repo.Reader, root tree.Root, opts Options) ([]repo.Need, error) {
	p, err := newPart(ctx, rd, root, &opts)
	if err != nil {
		return nil, err
	}
	t := &tally{reader: rd, ready: rd.Behind(opts.Gate), numbers: map[*format.PackInfo]uint32{}}
	err = p.each(ctx, func(_ []byte, e *format.Entry) error {
		if !isFile(e) || e.Flags&format.FlagUnreadable != 0 {
			return nil
		}
		return t.content(ctx, e)
	})
	if err != nil {
		return nil, err
	}
	return t.needs(), nil
}

// tally gathers the blocks that are needed, each once.
type tally struct {
	reader  *repo.Reader
	ready   *repo.Reader // finds copies that can be read at once
	packs   []*format.PackInfo
	numbers map[*format.PackInfo]uint32 // positions in packs
	blocks  []blockAt
	sorted  int // blocks that were left when they were sorted last
}

// blockAt is a block of a pack, by its number.
type blockAt struct {
	pack uint32
	at   repo.BlockAt
}

func compareBlocks(a, b blockAt) int {
	return cmp.Or(cmp.Compare(a.pack, b.pack), cmp.Compare(a.at.Offset, b.at.Offset))
}

// content takes the blocks of a file in.
func (t *tally) content(ctx context.Context, e *format.Entry) error {
	for x, err := range tree.ContentFrom(ctx, t.reader, e, 0) {
		switch {
		case isLost(err):
			return nil
		case err != nil:
			return fmt.Errorf("read content list: %w", err)
		case x.Hole:
			continue
		}
		at, err := t.ready.Locate(x.ID)
		if errors.Is(err, repo.ErrNotReady) {
			at, err = t.reader.Locate(x.ID)
		}
		if isLost(err) {
			continue
		}
		if err != nil {
			return err
		}
		t.add(at)
	}
	return nil
}

// isLost reports whether an error means that what is stored cannot be had.
func isLost(err error) bool {
	return repo.IsDamage(err) || errors.Is(err, repo.ErrNoChunk) || errors.Is(err, tree.ErrDamaged)
}

func (t *tally) add(at index.Location) {
	n, known := t.numbers[at.Pack]
	if !known {
		n = uint32(len(t.packs))
		t.packs = append(t.packs, at.Pack)
		t.numbers[at.Pack] = n
	}
	b := blockAt{n, repo.BlockAt{Offset: at.BlockOffset, Length: at.BlockLength}}
	if last := len(t.blocks) - 1; last >= 0 && t.blocks[last] == b {
		return
	}
	t.blocks = append(t.blocks, b)
	if len(t.blocks) > 2*t.sorted+1<<16 {
		t.sort()
	}
}

// sort sorts the blocks and keeps each once.
func (t *tally) sort() {
	slices.SortFunc(t.blocks, compareBlocks)
	t.blocks = slices.CompactFunc(t.blocks, func(a, b blockAt) bool { return compareBlocks(a, b) == 0 })
	t.sorted = len(t.blocks)
}

// needs sums the blocks up.
func (t *tally) needs() []repo.Need {
	t.sort()
	sum := map[format.PackName]repo.Need{}
	var own []repo.BlockAt
	for i := 0; i < len(t.blocks); {
		pack := t.packs[t.blocks[i].pack]
		own = own[:0]
		for first := t.blocks[i].pack; i < len(t.blocks) && t.blocks[i].pack == first; i++ {
			own = append(own, t.blocks[i].at)
		}
		need := sum[pack.Name] // another segment may name the same pack
		bytes, requests := repo.Fetched(own)
		sum[pack.Name] = repo.Need{Pack: pack.Name, Size: pack.Size, Bytes: min(pack.Size, need.Bytes+bytes), Requests: need.Requests + requests}
	}
	return t.reader.WithBases(sum, t.packs)
}
