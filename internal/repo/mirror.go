package repo

import (
	"context"
	"slices"

	"firn/internal/format"
	"firn/internal/index"
)

// Listing is what the index holds of a pack.
type Listing struct {
	Entries []index.PackEntry
	Used    uint64      // bytes of blocks
	Bases   []format.ID // packs that its deltas stand on directly
}

// ListBlocks makes the listing of a pack with these blocks.
func ListBlocks(blocks []format.Block) Listing {
	var l Listing
	for i := range blocks {
		b := &blocks[i]
		l.Entries = appendEntries(l.Entries, b)
		l.Used += uint64(b.Length)
		for _, base := range b.Bases {
			if !slices.Contains(l.Bases, base.Pack) {
				l.Bases = append(l.Bases, base.Pack)
			}
		}
	}
	return l
}

// AddMirror stores a mirrored footer of a data pack that is on the drive already, for
// when the one written with the pack is lost. Flush the session afterwards.
func (s *Session) AddMirror(ctx context.Context, m *format.Mirror) error {
	id := s.repo.keys.MirrorID(format.PackName{Kind: format.KindData, Hash: m.Pack})
	return s.writer.mirrors.addAs(ctx, id, m.Append(nil))
}
