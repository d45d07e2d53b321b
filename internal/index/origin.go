package index

import (
	"errors"
	"fmt"
	"sync"

	"firn/internal/format"
)

// Origin says by whose word the index has chunks of a pack.
type Origin struct {
	Segment string      // that lists them
	Signer  format.Host // of the segment
	Role    format.Role // the signer's
	// Author is who answers for it: of a writer's segment its signer, whatever it says
	// of the pack; of a maintainer's or owner's, which may be a merge, whom it names.
	Author format.Host
}

// Trust reports whether what somebody lists of a pack may be built on.
type Trust func(pack format.PackName, origin Origin) bool

// judgement is a view's trust, and what follows from it.
type judgement struct {
	trust Trust
	mu    sync.RWMutex
	sound map[format.PackName]struct{} // guarded by mu: packs that somebody trusted lists
}

// Judged makes a view tell copies by whether they are trusted: what trust refuses, and
// what stands as a delta on a pack that nobody trusted lists, is doubted. Such a view holds
// all segments in the mirror.
func Judged(trust Trust) Option {
	return func(v *View) {
		v.judgement = &judgement{trust: trust, sound: make(map[format.PackName]struct{})}
	}
}

// loadLayer loads a layer and makes it subject to the view's judgement.
func (v *View) loadLayer(l *layer) error {
	if err := l.load(&v.packs); err != nil || v.judgement == nil {
		return err
	}
	return v.judgement.weigh(l)
}

// weigh makes a layer subject to the judgement, and notes which of its packs are sound.
func (j *judgement) weigh(l *layer) error {
	l.judgement = j
	return l.eachPackList(func(member int, packs []uint32) bool {
		if !l.live[member] {
			return true
		}
		j.mu.Lock()
		defer j.mu.Unlock()
		for _, at := range packs {
			if pack := l.packs[at]; pack != nil && j.trust(pack.Name, l.origin(member, at)) {
				j.sound[pack.Name] = struct{}{}
			}
		}
		return true
	})
}

// origin returns by whose word a member lists the pack at a position.
func (l *layer) origin(member int, pack uint32) Origin {
	m := &l.members[member]
	o := Origin{Segment: m.name, Signer: m.signer, Role: m.directory.Signer.Role}
	o.Author = o.Signer
	if o.Role != format.RoleWriter {
		o.Author = l.hosts[pack]
	}
	return o
}

// doubts reports whether the word of an origin on a pack is not to be built on.
func (j *judgement) doubts(pack *format.PackInfo, origin Origin) bool {
	if !j.trust(pack.Name, origin) {
		return true
	}
	if len(pack.BasePacks) == 0 {
		return false
	}
	j.mu.RLock()
	defer j.mu.RUnlock()
	for _, base := range pack.BasePacks {
		if _, sound := j.sound[format.PackName{Kind: pack.Name.Kind, Hash: base}]; !sound {
			return true
		}
	}
	return false
}

// Listing is a pack as one origin lists it.
type Listing struct {
	Pack   *format.PackInfo // shared, not to be changed
	Origin Origin
}

// Listings calls visit with each pack of each segment, in no order, and possibly more
// than once.
func (v *View) Listings(visit func(Listing)) error { return v.listings(nil, visit) }

// listings does as Listings for the wanted segments; nil wants all.
func (v *View) listings(wanted map[string]bool, visit func(Listing)) error {
	for {
		err := v.eachListing(wanted, visit)
		var d *damage
		if !errors.As(err, &d) {
			return err
		}
		if err := v.repair(err); err != nil {
			return fmt.Errorf("list packs: %w", err)
		}
	}
}

// eachListing visits the packs that the wanted segments list; nil wants all.
func (v *View) eachListing(wanted map[string]bool, visit func(Listing)) error {
	held, err := v.hold(wanted)
	if err != nil {
		return err
	}
	defer letGo(held)
	for _, h := range held {
		err := h.layer.eachPackList(func(member int, packs []uint32) bool {
			for _, at := range packs {
				if h.wanted[member] && h.packs[at] != nil {
					visit(Listing{h.packs[at], h.layer.origin(member, at)})
				}
			}
			return true
		})
		if err != nil {
			return &damage{h.layer, err}
		}
	}
	return nil
}
