package thaw

import (
	"cmp"
	"slices"
	"time"

	"firn/internal/format"
)

// Progress is how far a watch is.
type Progress struct {
	All, Ready, Asked, Frozen, Lost Sum // Lost: missing, or cannot be thawed
	// Next is when the next look is, or the next request, about what is not ready;
	// zero if there is none.
	Next time.Time
	// By is when the last copy that is on its way should be there; zero if that is
	// not known.
	By time.Time
}

// Loss is a pack that cannot be had.
type Loss struct {
	Pack format.PackName
	Err  error // nil: there is no such object
}

// Progress returns how far the watch is. It is safe for concurrent use.
func (w *Watch) Progress() Progress {
	p := Progress{Next: w.next(func(f *followed) bool { return f.waits() })}
	w.mu.RLock()
	defer w.mu.RUnlock()
	known := true
	for _, f := range w.packs {
		p.All.add(&f.Pack)
		switch {
		case f.err != nil || f.State == Missing:
			p.Lost.add(&f.Pack)
		case f.State == Asked:
			p.Asked.add(&f.Pack)
			known = known && !f.asked.IsZero() && f.tier.To > 0
			if by := f.asked.Add(f.tier.To); by.After(p.By) {
				p.By = by
			}
		case f.State == Frozen:
			p.Frozen.add(&f.Pack)
		default:
			p.Ready.add(&f.Pack)
		}
	}
	if !known {
		p.By = time.Time{}
	}
	return p
}

// Lost lists the packs that cannot be had, by name.
func (w *Watch) Lost() []Loss {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var all []Loss
	for _, f := range w.packs {
		if f.err != nil || f.State == Missing {
			all = append(all, Loss{f.Name, f.err})
		}
	}
	slices.SortFunc(all, func(a, b Loss) int { return cmp.Compare(a.Pack.Object(), b.Pack.Object()) })
	return all
}
