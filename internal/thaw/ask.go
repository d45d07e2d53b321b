package thaw

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"firn/internal/object"
)

const (
	// askers is how many requests to thaw are under way at once.
	askers = 16
	// askRate is how many are made a second, a part of the thousand that AWS
	// allows an account.
	askRate = 300
	// slowest is the rate that is kept whatever the server says.
	slowest = 2
	// full is how long to wait at first when a tier has no capacity, doubled each
	// time; patience is how often before a slower tier is taken.
	full     = time.Minute
	patience = 5
	// maxTries is how often in a row a pack is asked for in vain.
	maxTries = 6
)

// asker keeps requests within what the server takes.
type asker struct {
	limit *rate.Limiter

	mu       sync.Mutex // guards all below
	fullTill time.Time  // no request in the fastest tier before
	fulls    int        // how often that was so in a row
	trouble  time.Time  // since when all requests fail that may succeed later
	cause    error      // of the last of them
}

func newAsker() asker { return asker{limit: rate.NewLimiter(askRate, askers)} }

// ask asks for packs, several at once. Its error ends the watch; what concerns
// one pack is kept there.
func (w *Watch) ask(ctx context.Context, packs []*followed) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan *followed)
	var all sync.WaitGroup
	for range min(askers, len(packs)) {
		all.Go(func() {
			for f := range queue {
				if err := w.askOne(ctx, f); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, f := range packs {
		if ctx.Err() != nil {
			break
		}
		queue <- f
	}
	close(queue)
	all.Wait()
	return context.Cause(ctx)
}

// askOne asks for one pack and settles what came of it.
func (w *Watch) askOne(ctx context.Context, f *followed) error {
	w.mu.Lock()
	t := w.tier(f.Class)
	if f.State == Thawed && t.Tier == object.Expedited {
		t.Tier = object.Standard // an extension takes effect at once in any tier, and this one is cheaper
	}
	w.mu.Unlock()
	if wait := w.asker.capacity(t.Tier); wait > 0 {
		return w.settle(f, t, errPostponed)
	}
	if err := w.asker.limit.Wait(ctx); err != nil {
		return err
	}
	err := w.thawer.Thaw(ctx, f.Name.Object(), object.ThawRequest{Tier: t.Tier, Days: w.opts.Days, Class: f.Class})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return w.settle(f, t, err)
}

// errPostponed stands for a request that was not made because others like it
// found no capacity just now.
var errPostponed = fmt.Errorf("postponed: %w", object.ErrNoCapacity)

// capacity says how long to wait before the next request in a tier.
func (a *asker) capacity(t object.Tier) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t != object.Expedited {
		return 0
	}
	return time.Until(a.fullTill)
}

// settle writes down what came of a request. What it returns ends the watch.
func (w *Watch) settle(f *followed, t Tier, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	switch {
	case err == nil:
		w.asker.succeeded(t.Tier)
		f.granted(t, now, w.opts.Days)
	case errors.Is(err, object.ErrNotFound):
		w.lose(f, Missing, nil)
	case errors.Is(err, object.ErrNoCapacity):
		f.askAt = w.noCapacity(f.Class, t, now, err == errPostponed)
	case errors.Is(err, object.ErrUnsupported):
		w.stepDown(f, t, err)
	case object.IsTransient(err):
		f.askAt = now.Add(w.asker.failed(now, err))
	case errors.Is(err, object.ErrAccess), errors.Is(err, object.ErrCredentials), errors.Is(err, object.ErrNoBucket), errors.Is(err, object.ErrReadOnly):
		return fmt.Errorf("ask for a readable copy: %w", err)
	default:
		w.lose(f, f.State, err)
	}
	return nil
}

// granted takes in that a request was taken: a copy is on its way, or the one that
// is there lasts longer.
func (f *followed) granted(t Tier, now time.Time, days int) {
	if f.State == Thawed && f.Until.After(now) {
		f.Until = now.AddDate(0, 0, days)
		return
	}
	f.State, f.tier, f.asked = Asked, t, now
	f.tries++
	f.lookAt = now.Add(max(t.From-t.From/near, f.pause(now)))
}

// lose gives a pack up. The caller holds mu.
func (w *Watch) lose(f *followed, state State, err error) {
	waited := f.waits() // else it was to be extended: the copy that is there can be read for a while
	f.State, f.err = state, err
	if waited {
		w.waiting--
		w.tell()
	}
}

// noCapacity says when to ask again. When there was none for long, a slower tier
// is taken. The caller holds mu.
func (w *Watch) noCapacity(class string, t Tier, now time.Time, postponed bool) time.Time {
	a := &w.asker
	a.mu.Lock()
	defer a.mu.Unlock()
	if postponed || now.Before(a.fullTill) {
		return a.fullTill
	}
	next := slower(t.Tier)
	if a.fulls++; a.fulls > patience && next != "" {
		w.say("there is no capacity for %s in tier %s: %s is taken", class, t.Tier, next)
		w.tiers[class] = tierOf(w.opts.Tariff, class, next)
		return now
	}
	a.fullTill = now.Add(full << min(a.fulls-1, patience))
	w.say("there is no capacity for %s in tier %s just now: asking again at %s", class, t.Tier, a.fullTill.Format(time.TimeOnly))
	return a.fullTill
}

// stepDown takes a slower tier for a class that turned out not to have one. The
// caller holds mu.
func (w *Watch) stepDown(f *followed, t Tier, err error) {
	f.askAt = time.Now()
	if w.tier(f.Class).Tier != t.Tier {
		return // another pack of the class led to it already
	}
	next := slower(t.Tier)
	if next == "" {
		w.lose(f, f.State, err)
		return
	}
	w.say("%s cannot be thawed in tier %s: %s is taken", f.Class, t.Tier, next)
	own := tierOf(w.opts.Tariff, f.Class, next)
	own.Tier = next
	w.tiers[f.Class] = own
}

func (w *Watch) say(format string, args ...any) {
	if w.opts.Say != nil {
		w.opts.Say(fmt.Sprintf(format, args...))
	}
}

// succeeded ends a time of trouble, or of a tier without capacity, and lets the
// rate rise.
func (a *asker) succeeded(t object.Tier) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.trouble, a.cause = time.Time{}, nil
	if t == object.Expedited {
		a.fulls = 0
	}
	a.limit.SetLimit(min(askRate, a.limit.Limit()+1))
}

// failed lowers the rate after a failure that may pass, and says how long to
// wait.
func (a *asker) failed(now time.Time, err error) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.trouble.IsZero() {
		a.trouble = now
	}
	a.cause = err
	a.limit.SetLimit(max(slowest, a.limit.Limit()/2))
	return min(max(time.Second, now.Sub(a.trouble)), 10*time.Minute)
}

// hopeless returns the cause of trouble that lasts longer than a time.
func (a *asker) hopeless(longest time.Duration) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.trouble.IsZero() || time.Since(a.trouble) < longest {
		return nil
	}
	return fmt.Errorf("thaw: given up after %s: %w", longest, a.cause)
}
