package repo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"firn/internal/format"
)

// Gate knows which data packs can be read: on a drive with archive classes a
// pack has to be thawed first. It is safe for concurrent use. Metadata packs are
// never in such a class, and are not asked for.
type Gate interface {
	// Ready reports whether a data pack can be read now. It is cheap: it makes
	// no request.
	Ready(pack format.PackName) bool
	// Wait returns when another pack has become readable since the last look; an
	// error says why none will: ErrNeverReady if the rest of the work can do without.
	Wait(ctx context.Context) error
}

// Need is a pack that has to be read.
type Need struct {
	Pack format.PackName
	Size uint64 // of the whole pack, bytes
	// Bytes that are fetched of it; of a pack that only deltas stand on, at most.
	Bytes uint64
	// Requests that fetch them; of a pack that only deltas stand on, at least.
	Requests int
}

// ErrNotReady means that every copy of a chunk lies in a pack that the gate
// says cannot be read now, or stands on one.
var ErrNotReady = errors.New("chunk is in a pack that cannot be read until it is thawed")

// ErrNeverReady means that the packs that are not ready will never be. What needs
// them is lost; all else that a gate let pass is not.
var ErrNeverReady = errors.New("packs that are needed cannot be thawed")

// Behind returns a reader of the same index that reads no data pack before the
// gate says that it, and all packs that its deltas stand on, are ready; a chunk
// that has a copy in such a pack is read from there. With a nil gate that is the
// reader itself. It ends with rd and need not be closed.
func (rd *Reader) Behind(gate Gate) *Reader {
	if gate == nil {
		return rd
	}
	behind := rd.repo.newReaderOf(rd.view, rd.dropped)
	behind.gate, behind.doubted, behind.again = gate, rd.doubted, rd.again
	return behind
}

// Gate returns what the reader stands behind; nil if all can be read.
func (rd *Reader) Gate() Gate { return rd.gate }

// mayRead returns ErrNotReady if the gate keeps a pack.
func (rd *Reader) mayRead(pack format.PackName) error {
	if rd.gate == nil || pack.Kind != format.KindData || rd.gate.Ready(pack) {
		return nil
	}
	return fmt.Errorf("read %s: %w", pack.Object(), ErrNotReady)
}

// Ready reports whether a pack, and all that its deltas stand on, can be read
// as the gate says.
func Ready(gate Gate, pack *format.PackInfo) bool {
	if gate == nil || pack.Name.Kind != format.KindData {
		return true
	}
	return gate.Ready(pack.Name) && !slices.ContainsFunc(pack.BasePacks, func(hash format.ID) bool {
		return !gate.Ready(format.PackName{Kind: format.KindData, Hash: hash})
	})
}

// WithBases adds to needs the packs that deltas in the packs given stand on, and
// returns all in order of their names.
func (rd *Reader) WithBases(needs map[format.PackName]Need, packs []*format.PackInfo) []Need {
	bases := map[format.PackName]bool{}
	for _, p := range packs {
		for _, hash := range p.BasePacks {
			bases[format.PackName{Kind: p.Name.Kind, Hash: hash}] = true
		}
	}
	if len(bases) > 0 {
		for info := range rd.view.Packs() {
			if bases[info.Name] {
				needs[info.Name] = Need{Pack: info.Name, Size: info.Size, Bytes: max(needs[info.Name].Bytes, info.Used), Requests: max(needs[info.Name].Requests, 1)}
			}
		}
	}
	return slices.SortedFunc(maps.Values(needs), func(a, b Need) int { return a.Pack.Compare(b.Pack) })
}
