package thaw

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
)

// perPage is how many objects one request of a listing tells of.
const perPage = 1000

// pageWorth is how many requests for one object each cost about as much as one
// page of a listing: at AWS that is billed twelve times as dear.
const pageWorth = 12

// lookers is how many packs are looked at at once.
const lookers = 16

// observer finds out how packs stand in as few requests as it can. It is for
// one goroutine at a time.
type observer struct {
	thawer object.Thawer
	stored int  // about how many packs the drive has, all of which a listing tells
	mute   bool // the server's listings were found not to tell
}

// Look finds out how the packs stand that are needed. stored is about how many
// data packs the drive has: where few of them are needed they are asked for one
// by one, else all are listed.
func Look(ctx context.Context, thawer object.Thawer, needs []repo.Need, stored int) (*Plan, error) {
	p := &Plan{Made: time.Now(), Packs: make([]Pack, len(needs)), Stored: stored}
	for i, n := range needs {
		p.Packs[i] = Pack{Name: n.Pack, Size: int64(n.Size)}
	}
	slices.SortFunc(p.Packs, func(a, b Pack) int { return a.Name.Compare(b.Name) })
	p.Packs = slices.CompactFunc(p.Packs, func(a, b Pack) bool { return a.Name == b.Name })
	all := make([]*Pack, len(p.Packs))
	for i := range p.Packs {
		all[i] = &p.Packs[i]
	}
	o := &observer{thawer: thawer, stored: stored}
	return p, o.look(ctx, all, o.each)
}

// look brings packs up to date, by a listing or one by one, as single does it.
func (o *observer) look(ctx context.Context, packs []*Pack, single func(context.Context, []*Pack) error) error {
	if !o.lists(len(packs)) {
		return single(ctx, packs)
	}
	unsure, err := o.list(ctx, packs)
	if errors.Is(err, object.ErrUnsupported) {
		o.mute = true
		return single(ctx, packs)
	}
	if err != nil {
		return err
	}
	return single(ctx, unsure)
}

// lists says whether a listing is the cheaper way to look at so many packs.
func (o *observer) lists(packs int) bool {
	pages := (max(o.stored, packs) + perPage - 1) / perPage
	return !o.mute && packs > pages*pageWorth
}

// list looks at packs in a listing and returns those of which it does not tell.
func (o *observer) list(ctx context.Context, packs []*Pack) (unsure []*Pack, err error) {
	wanted := make(map[format.PackName]*Pack, len(packs))
	for _, p := range packs {
		wanted[p.Name] = p
	}
	for frost, err := range o.thawer.Frosts(ctx, format.PrefixData) {
		if err != nil {
			return nil, fmt.Errorf("list how packs stand: %w", err)
		}
		name, err := format.ParsePackName(frost.Name)
		p := wanted[name]
		if err != nil || p == nil {
			continue
		}
		delete(wanted, name)
		if frost.Unsure {
			unsure = append(unsure, p)
			continue
		}
		p.take(frost)
	}
	for _, p := range wanted {
		p.State = Missing
	}
	return unsure, nil
}

// each looks at packs one by one, several at once.
func (o *observer) each(ctx context.Context, packs []*Pack) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookers)
	for _, p := range packs {
		g.Go(func() error {
			frost, err := o.thawer.Frost(ctx, p.Name.Object())
			switch {
			case errors.Is(err, object.ErrNotFound):
				p.State = Missing
				return nil
			case err != nil:
				return fmt.Errorf("look how a pack stands: %w", err)
			}
			p.take(frost)
			return nil
		})
	}
	return g.Wait()
}

// some looks at a few packs, and at twice as many more as long as any of them is
// on its way no longer: packs that were asked for together are there at about
// the same time, so that a few tell whether it is worth to look at all.
func (o *observer) some(ctx context.Context, packs []*Pack) error {
	rand.Shuffle(len(packs), func(i, j int) { packs[i], packs[j] = packs[j], packs[i] })
	for few := lookers; len(packs) > 0; few *= 2 {
		batch := packs[:min(few, len(packs))]
		if err := o.each(ctx, batch); err != nil {
			return err
		}
		if !slices.ContainsFunc(batch, func(p *Pack) bool { return p.State != Asked }) {
			return nil
		}
		packs = packs[len(batch):]
	}
	return nil
}

// take writes down what a server told.
func (p *Pack) take(f object.Frost) {
	p.Size, p.Class, p.Until = f.Size, f.Class, f.Until
	switch {
	case !f.Frozen:
		p.State = Readable
	case f.Until.After(time.Now()):
		p.State = Thawed
	case f.Asked:
		p.State = Asked
	default:
		p.State = Frozen
	}
}
