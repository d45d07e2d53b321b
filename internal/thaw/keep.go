package thaw

import (
	"context"
	"fmt"
	"slices"
	"time"

	"firn/internal/format"
	"firn/internal/object"
)

const (
	// near says when the first look is worth it: when a tenth of the shortest time
	// of a tier is left.
	near = 10
	// Looks at packs that are on their way are made no more often and no less.
	shortest, longest = time.Second, time.Hour
	// overdue bounds the pause between looks at packs that are late.
	overdue = 4 * time.Hour
	// longestNap bounds every sleep: where a machine is put to sleep itself, timers
	// may stand still while the clock goes on.
	longestNap = 5 * time.Minute
	// askingTime and keepingTime are how long a drive may fail, in a way that may
	// pass, while packs are asked for, and while they are waited for.
	askingTime  = 30 * time.Minute
	keepingTime = 24 * time.Hour
)

// pause is how long to wait between looks at a pack that is on its way.
func (f *followed) pause(now time.Time) time.Duration {
	to := f.tier.To
	if to == 0 {
		to = 12 * time.Hour
	}
	pause := min(max((to-f.tier.From)/12, to/24, shortest), longest)
	if late := now.Sub(f.asked.Add(to)); !f.asked.IsZero() && late > 0 {
		pause = min(max(pause, late/4), overdue)
	}
	return pause
}

// Run asks for what is frozen and then does work, during which the packs are
// followed: what is there becomes ready, what expires before its use is extended or
// asked for again. Nothing of work is done if the requests fail.
func (w *Watch) Run(ctx context.Context, work func(context.Context) error) error {
	if err := w.step(ctx, askingTime); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.keep(ctx)
	}()
	err := work(ctx)
	cancel()
	<-ended
	return err
}

// Ask asks for all that is frozen, and extends copies that would be gone before
// the last of these is there. It returns when all requests are taken.
func (w *Watch) Ask(ctx context.Context) error {
	for {
		if err := w.askDue(ctx, askingTime); err != nil {
			return err
		}
		again := w.next(func(f *followed) bool { return f.State == Frozen })
		if again.IsZero() {
			return w.extend(ctx, w.horizon())
		}
		if err := sleep(ctx, time.Until(again), nil); err != nil {
			return err
		}
	}
}

// horizon is until when copies should last for all to be readable together for a
// day at least.
func (w *Watch) horizon() time.Time {
	w.mu.RLock()
	defer w.mu.RUnlock()
	last := time.Now()
	for _, f := range w.packs {
		if at := time.Now().Add(f.tier.To); f.State == Asked && at.After(last) {
			last = at
		}
	}
	return last.AddDate(0, 0, min(1, w.opts.Days-1))
}

// keep acts whenever something is due, until ctx ends.
func (w *Watch) keep(ctx context.Context) {
	for sleep(ctx, w.nap(), w.wake) == nil {
		if !w.isDue() {
			continue
		}
		if err := w.step(ctx, keepingTime); err != nil {
			w.mu.Lock()
			w.failed = err
			w.tell()
			w.mu.Unlock()
			return
		}
	}
}

// step does all that is due.
func (w *Watch) step(ctx context.Context, patient time.Duration) error {
	if err := w.meet(ctx); err != nil {
		return err
	}
	if err := w.lookDue(ctx); err != nil {
		return err
	}
	if err := w.askDue(ctx, patient); err != nil {
		return err
	}
	if err := w.extend(ctx, time.Now().Add(w.margin())); err != nil {
		return err
	}
	if w.opts.Looked != nil {
		w.opts.Looked(w.Progress())
	}
	return ctx.Err()
}

// margin is how long before its end a copy is extended.
func (w *Watch) margin() time.Duration {
	return min(time.Duration(w.opts.Days)*6*time.Hour, 24*time.Hour)
}

// nap says how long to sleep before something is due.
func (w *Watch) nap() time.Duration {
	next := w.next(func(*followed) bool { return true })
	if next.IsZero() {
		return longestNap
	}
	return min(max(time.Until(next), shortest), longestNap)
}

// isDue says whether there is something to do now.
func (w *Watch) isDue() bool {
	next := w.next(func(*followed) bool { return true })
	w.mu.RLock()
	defer w.mu.RUnlock()
	return len(w.strangers) > 0 || !next.IsZero() && !next.After(time.Now())
}

// due is when there is something to do about a pack; zero for never. The caller
// holds mu.
func (w *Watch) due(f *followed) time.Time {
	var at time.Time
	switch {
	case f.err != nil:
		return at
	case f.State == Asked:
		return f.lookAt
	case f.State == Frozen:
		at = time.Now()
	case f.State == Thawed:
		at = f.Until.Add(-w.margin())
	default:
		return at
	}
	if f.askAt.After(at) {
		return f.askAt
	}
	return at
}

// next is when something is due about some packs, zero for never.
func (w *Watch) next(of func(*followed) bool) time.Time {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var first time.Time
	for _, f := range w.packs {
		if at := w.due(f); !at.IsZero() && of(f) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// choose lists packs.
func (w *Watch) choose(wanted func(*followed) bool) []*followed {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var some []*followed
	for _, f := range w.packs {
		if f.err == nil && wanted(f) {
			some = append(some, f)
		}
	}
	slices.SortFunc(some, func(a, b *followed) int { return a.Name.Compare(b.Name) })
	return some
}

// askDue asks for what is frozen and due, as often as there is something.
func (w *Watch) askDue(ctx context.Context, patient time.Duration) error {
	for {
		due := w.choose(func(f *followed) bool { return f.State == Frozen && !f.askAt.After(time.Now()) })
		if len(due) == 0 {
			return w.asker.hopeless(patient)
		}
		if err := w.ask(ctx, due); err != nil {
			return err
		}
	}
}

// extend has copies last longer that end before a time, and asks anew for those
// that are gone. What stays readable has no copy that could go.
func (w *Watch) extend(ctx context.Context, before time.Time) error {
	now := time.Now()
	due := w.choose(func(f *followed) bool { return f.State == Thawed && f.Until.Before(before) && !f.askAt.After(now) })
	w.mu.Lock()
	for _, f := range due {
		if !f.Until.After(now) {
			f.State = Frozen
			w.waiting++
		}
	}
	w.mu.Unlock()
	return w.ask(ctx, due)
}

// lookDue looks at the packs on their way that are about due.
func (w *Watch) lookDue(ctx context.Context) error {
	now := time.Now()
	if len(w.choose(func(f *followed) bool { return f.State == Asked && !f.lookAt.After(now) })) == 0 {
		return nil
	}
	about := w.choose(func(f *followed) bool { return f.State == Asked && !f.lookAt.After(now.Add(f.pause(now)/2)) })
	packs := make([]*Pack, len(about))
	for i, f := range about {
		own := f.Pack
		packs[i] = &own
	}
	err := w.observer.look(ctx, slices.Clone(packs), w.observer.some)
	if err != nil && !object.IsTransient(err) {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.asker.failed(now, err)
		w.say("how packs stand could not be seen just now: %v", err)
		err = w.asker.hopeless(keepingTime)
	} else {
		w.asker.succeeded("")
	}
	arrived := false
	for i, f := range about {
		arrived = w.arrive(f, packs[i], now) || arrived
	}
	if arrived {
		w.tell()
	}
	return err
}

// arrive takes in what was seen of a pack that was on its way, and reports whether
// it can be read now. The caller holds mu.
func (w *Watch) arrive(f *followed, seen *Pack, now time.Time) bool {
	f.Pack = *seen
	switch f.State {
	case Asked:
		f.lookAt = now.Add(f.pause(now))
		return false
	case Frozen:
		if f.tries >= maxTries {
			w.lose(f, Frozen, fmt.Errorf("thaw %s: asked for %d times, and no copy came", f.Name, f.tries))
			return false
		}
		f.askAt = now
		return false
	}
	f.tries = 0
	w.waiting--
	return true
}

// meet takes in packs that were not planned, which are needed because others are
// lost.
func (w *Watch) meet(ctx context.Context) error {
	w.mu.Lock()
	var met []*Pack
	for name := range w.strangers {
		met = append(met, &Pack{Name: name})
	}
	w.strangers = map[format.PackName]bool{}
	w.mu.Unlock()
	if len(met) == 0 {
		return nil
	}
	err := w.observer.look(ctx, met, w.observer.each)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		if !object.IsTransient(err) {
			return err
		}
		w.say("how packs stand could not be seen just now: %v", err)
		met = nil // who needs them asks again
	}
	for _, p := range met {
		w.follow(*p)
		if f := w.packs[p.Name]; f.State == Frozen {
			w.say("%s, which was not planned, is thawed: what is needed is lost elsewhere", p.Name)
		}
	}
	w.tell()
	return nil
}
