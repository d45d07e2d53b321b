package index

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

// errClosed is the error for use of a view after Close.
var errClosed = errors.New("index view is closed")

// filterMemory is how many bytes of filters a view keeps in memory. What is over
// it is read from the layers.
const filterMemory = 64 << 20

// Location says where a copy of a chunk is. Pack is shared and must not be
// changed; within one view equal packs have equal pointers, unless segments
// that were added later describe the pack in another way.
type Location struct {
	Pack        *format.PackInfo
	BlockOffset uint32 // of the block in the pack
	BlockLength uint32 // whole, as in the pack
	ChunkOffset uint32 // of the chunk in the block's content
	// Doubted means that nobody whom the view trusts lists the copy; see Judged.
	Doubted bool
}

// SegmentInfo describes a segment of a view.
type SegmentInfo struct {
	Name    string
	Size    int64 // bytes of the object
	Entries uint64
	Packs   uint64
	Host    format.Host // who signed it
	Created int64       // Unix seconds
	Inputs  []string    // names of the segments that were merged into it
	// Signature by which the owner may vouch for the segment.
	Signature seal.Signature
}

// View is the index as one run sees it: the segments it was opened with and those
// it was given since. It is safe for concurrent use.
type View struct {
	mirror    *Mirror
	store     object.Store
	keys      *seal.Keyring
	ctx       context.Context // from Mirror.View; for fetches that damage of the mirror makes necessary
	skipBad   bool
	judgement *judgement // nil: all is trusted
	packs     packTable
	far       farSide

	change  sync.Mutex // held by whoever changes layers
	repairs int        // guarded by change

	mu     sync.RWMutex
	layers []*layer      // guarded by mu; most entries first; replaced as a whole, with change held
	bad    []*BadSegment // guarded by mu
	closed bool          // guarded by mu
	failed error         // guarded by mu: why not all segments could be had when all were needed
}

// Option is a choice for Mirror.View.
type Option func(*View)

// SkipBad makes a view go on without segments that cannot be read or verified,
// for its user to ask for by Bad. Their chunks are absent. Failures that may pass, such
// as a drive that cannot be reached, stay errors.
func SkipBad() Option { return func(v *View) { v.skipBad = true } }

// View opens the segments called names: from the mirror what it has, from store
// the rest, and removes from the mirror what is not among names. A segment that
// cannot be read or verified makes a *BadSegment error; one of a revoked host that the owner
// does not vouch for says nothing and is passed over. ctx must last as long as the
// view, which fetches again what it finds damaged in the mirror.
func (m *Mirror) View(ctx context.Context, store object.Store, k *seal.Keyring, names []string, options ...Option) (*View, error) {
	v := &View{mirror: m, store: store, keys: k, ctx: ctx}
	for _, option := range options {
		option(v)
	}
	v.change.Lock()
	defer v.change.Unlock()
	missing, err := v.openFar(v.adopt(names))
	if err == nil {
		err = v.fetch(missing)
	}
	if err == nil {
		err = v.settle()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open index: %w", err), v.close())
	}
	v.loadFilters()
	v.loadSketches()
	return v, nil
}

// adopt takes what the mirror has of the segments called names and returns the
// rest. What a host signed that was revoked since is for fetch to refuse.
func (v *View) adopt(names []string) (missing []string) {
	wanted := make(map[string]bool)
	for _, name := range names {
		wanted[name] = true
	}
	layers := v.mirror.layers()
	count := func(l *layer) int {
		n := 0
		for i := range l.members {
			if wanted[l.members[i].name] {
				n++
			}
		}
		return n
	}
	slices.SortFunc(layers, func(a, b *layer) int {
		return cmp.Or(cmp.Compare(count(b), count(a)), strings.Compare(a.source.path, b.source.path))
	})
	var adopted []*layer
	for _, l := range layers {
		for i := range l.members {
			if m := &l.members[i]; wanted[m.name] && v.keys.Accepts(&m.directory.Signer, m.directory.Signature) {
				l.claim(i)
			}
		}
		claims := l.names()
		if len(claims) == 0 || v.loadLayer(l) != nil {
			_ = l.discard() // a file that was only read
			continue
		}
		for _, name := range claims {
			delete(wanted, name)
		}
		adopted = append(adopted, l)
	}
	v.publish(adopted, nil)
	for name := range wanted {
		missing = append(missing, name)
	}
	slices.Sort(missing)
	return missing
}

// loadFilters gives filters memory, those of small layers first: there it saves most.
func (v *View) loadFilters() {
	for _, l := range slices.Backward(v.layers) {
		v.loadFilter(l, nil)
	}
}

// loadFilter gives a layer's filter what memory the other layers leave, those
// about to be removed not counted. The layer is in no lookup's sight yet. Damage is
// noticed when the filter is needed.
func (v *View) loadFilter(l *layer, removed []*layer) {
	if left := v.filterRoom(removed); left > 0 && len(l.filter) == 0 {
		_ = l.loadFilter(uint64(left))
	}
}

// freeFilters gives back the memory of filters, which are read from the layers from then on.
func (v *View) freeFilters() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, l := range v.layers {
		l.release()
		l.filter, l.release = nil, func() {}
	}
}

// filterRoom returns how many bytes of memory for filters are left, without those of removed layers.
func (v *View) filterRoom(removed []*layer) int {
	left := filterMemory
	for _, l := range v.layers {
		if !slices.Contains(removed, l) {
			left -= len(l.filter)
		}
	}
	for _, s := range v.far.now() {
		left -= len(s.memory)
	}
	return left
}

// publish makes layers part of the view and others cease to be. The caller holds change.
func (v *View) publish(added, removed []*layer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	layers := slices.Clone(v.layers)
	layers = slices.DeleteFunc(layers, func(l *layer) bool { return slices.Contains(removed, l) })
	layers = append(layers, added...)
	slices.SortFunc(layers, func(a, b *layer) int { return cmp.Compare(b.liveEntries, a.liveEntries) })
	for _, l := range layers {
		l.packs = v.packs.revise(l.packs)
	}
	v.layers = layers
}

// Lookup finds a copy of a chunk in a pack that accept does not refuse; nil
// accepts all. accept must not call the view. Lookup reports whether there is one; it
// returns a doubted one only if there is no other.
func (v *View) Lookup(id format.ID, accept func(*format.PackInfo) bool) (Location, bool, error) {
	short := format.ShortID(id[:])
	for {
		far := v.far.now()
		at, found, err := v.lookup(&short, accept)
		if err == nil && !found && len(far) > 0 {
			at, found, err = v.lookupFar(far, &short, accept)
		}
		if err == nil {
			return at, found, nil
		}
		if err := v.mend(err); err != nil {
			return Location{}, false, fmt.Errorf("look up chunk %x: %w", short, err)
		}
	}
}

// mend repairs what an error says is damaged, or returns the error.
func (v *View) mend(cause error) error {
	var far *farDamage
	if errors.As(cause, &far) {
		return v.giveUpFar(cause)
	}
	return v.repair(cause)
}

func (v *View) lookup(id *format.ShortID, accept func(*format.PackInfo) bool) (at Location, found bool, err error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.closed {
		return Location{}, false, errClosed
	}
	if v.failed != nil {
		return Location{}, false, v.failed
	}
	for _, l := range v.layers {
		found, err = l.find(id, func(candidate Location) bool {
			if accept != nil && !accept(candidate.Pack) {
				return false
			}
			if !candidate.Doubted || at.Pack == nil {
				at = candidate
			}
			return !candidate.Doubted
		})
		if err != nil {
			return Location{}, false, &damage{l, err}
		}
		if found {
			return at, true, nil
		}
	}
	return at, at.Pack != nil, nil
}

// Packs yields the packs of all segments, each once, ascending by kind and name. It waits
// for segments that are far; where one cannot be had, it yields nothing, and that and all else of
// the view fails, Close included.
func (v *View) Packs() iter.Seq[*format.PackInfo] {
	return func(yield func(*format.PackInfo) bool) {
		var packs []*format.PackInfo
		if v.Complete() != nil {
			return
		}
		v.mu.RLock()
		for _, l := range v.layers {
			packs = append(packs, l.packs...)
		}
		v.mu.RUnlock()
		for _, pack := range sortPacks(packs) {
			if !yield(pack) {
				return
			}
		}
	}
}

// Segments returns the segments of the view, ascending by name.
func (v *View) Segments() []SegmentInfo {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var infos []SegmentInfo
	for _, l := range v.layers {
		for i := range l.members {
			if l.live[i] {
				infos = append(infos, l.members[i].info())
			}
		}
	}
	for _, s := range v.far.now() {
		infos = append(infos, s.info())
	}
	slices.SortFunc(infos, func(a, b SegmentInfo) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(infos, func(a, b SegmentInfo) bool { return a.Name == b.Name })
}

func (m *member) info() SegmentInfo {
	d := &m.directory
	return SegmentInfo{
		Name: m.name, Size: int64(m.size), Entries: d.Entries, Packs: d.Packs,
		Host: format.HostOf(d.Signer.PublicKey), Created: d.Created, Inputs: slices.Clone(d.Inputs),
		Signature: seal.Signature{Signer: d.Signer, Mark: seal.MarkOf(d.Signature)},
	}
}

// Bad returns the segments that the view goes without; see SkipBad.
func (v *View) Bad() []*BadSegment {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return slices.Clone(v.bad)
}

// Close frees what the view holds. What it still iterates over ends first.
func (v *View) Close() error {
	v.stopFilling()
	v.change.Lock()
	defer v.change.Unlock()
	return v.close()
}

func (v *View) close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	var failed []error
	for _, l := range v.layers {
		failed = append(failed, l.drop())
	}
	v.layers, v.closed = nil, true
	return errors.Join(append(failed, v.closeFar(), v.failed)...)
}
