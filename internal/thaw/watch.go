package thaw

import (
	"context"
	"fmt"
	"sync"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
)

// Options say how packs are to be thawed.
type Options struct {
	Tier   object.Tier
	Days   int // how long copies are to be readable
	Tariff Tariff
	// Say is told in a sentence what is out of the ordinary, Looked how it stands
	// after each look. Both may be nil, are called by one goroutine at a time, and
	// must not call the watch.
	Say    func(text string)
	Looked func(Progress)
}

// Watch asks for the packs of a plan and follows them until its work is done. It
// is the repo.Gate of that work.
type Watch struct {
	thawer   object.Thawer
	opts     Options
	observer observer
	asker    asker
	wake     chan struct{} // has the keeper look at strangers

	mu        sync.RWMutex // guards all below
	packs     map[format.PackName]*followed
	tiers     map[string]Tier // by class; as the server takes them
	waiting   int             // packs that are frozen or on their way
	strangers map[format.PackName]bool
	news      int           // counts what became readable, or was lost
	newsAt    time.Time     // of the last news
	changed   chan struct{} // closed at the next news
	seen      int           // news that a Wait has returned for
	failed    error         // why the watch ended
}

// followed is a pack in a watch.
type followed struct {
	Pack
	tier   Tier
	asked  time.Time // when the watch asked for it; zero if somebody did before
	lookAt time.Time // while it is Asked
	askAt  time.Time // no request is made before
	tries  int       // requests that led to no copy
	err    error     // why it cannot be thawed
}

// NewWatch returns a watch over what a plan found. Nothing is asked for before Ask
// or Run.
func NewWatch(thawer object.Thawer, p *Plan, opts Options) *Watch {
	w := &Watch{
		thawer: thawer, opts: opts, observer: observer{thawer: thawer, stored: p.Stored}, asker: newAsker(),
		wake: make(chan struct{}, 1), packs: make(map[format.PackName]*followed, len(p.Packs)), tiers: map[string]Tier{},
		strangers: map[format.PackName]bool{}, changed: make(chan struct{}),
	}
	for _, pack := range p.Packs {
		w.follow(pack)
	}
	return w
}

// follow begins to follow a pack. The caller holds mu, or is alone.
func (w *Watch) follow(p Pack) {
	f := &followed{Pack: p, tier: w.tier(p.Class)}
	w.packs[p.Name] = f
	if f.waits() {
		w.waiting++
	}
	if f.State == Asked {
		f.lookAt = time.Now().Add(f.pause(time.Now()))
	}
}

// tier returns the tier in which packs of a class are asked for.
func (w *Watch) tier(class string) Tier {
	t, ok := w.tiers[class]
	if !ok {
		t = tierOf(w.opts.Tariff, class, w.opts.Tier)
		w.tiers[class] = t
	}
	return t
}

// waits reports whether a pack may become readable.
func (f *followed) waits() bool { return f.err == nil && (f.State == Frozen || f.State == Asked) }

// readTime is how long a copy must last at least for a pack to be called ready:
// long enough to read one, and for clocks that differ.
const readTime = 10 * time.Minute

// Ready implements repo.Gate. A pack that is missing is ready: who reads it learns
// that it is, and finds another copy of what it held or names what suffers.
func (w *Watch) Ready(pack format.PackName) bool {
	if pack.Kind != format.KindData {
		return true
	}
	w.mu.RLock()
	f := w.packs[pack]
	stranger := f == nil && w.waiting == 0 && !w.strangers[pack]
	ready := f != nil && (f.State == Readable || f.State == Missing || f.State == Thawed && time.Until(f.Until) > readTime)
	w.mu.RUnlock()
	if stranger {
		w.mu.Lock()
		w.strangers[pack] = true
		w.mu.Unlock()
	}
	return ready
}

// again is how long after news a Wait still returns for them: another caller may
// have been told so before them and have come only now.
const again = time.Second

// Wait implements repo.Gate.
func (w *Watch) Wait(ctx context.Context) error {
	w.mu.Lock()
	if w.seen != w.news {
		w.seen = w.news
		w.mu.Unlock()
		return nil
	}
	changed, young, ended := w.changed, again-time.Since(w.newsAt), w.ended()
	strange := len(w.strangers) > 0
	w.mu.Unlock()
	if young > 0 {
		return sleep(ctx, young, nil)
	}
	if ended != nil && !strange {
		return ended
	}
	if strange {
		w.nudge()
	}
	select {
	case <-changed:
		w.mu.Lock()
		defer w.mu.Unlock()
		w.seen = w.news
		return w.failed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// nudge has the keeper act now.
func (w *Watch) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// ended says why nothing will become readable any more, nil if something may. The
// caller holds mu.
func (w *Watch) ended() error {
	if w.failed != nil || w.waiting > 0 {
		return w.failed
	}
	var first error
	lost := 0
	for _, f := range w.packs {
		if f.err != nil {
			lost++
			if first == nil {
				first = f.err
			}
		}
	}
	if first == nil {
		return repo.ErrNeverReady
	}
	return fmt.Errorf("%w: %d, such as: %w", repo.ErrNeverReady, lost, first)
}

// tell lets those go on who wait. The caller holds mu.
func (w *Watch) tell() {
	w.news++
	w.newsAt = time.Now()
	close(w.changed)
	w.changed = make(chan struct{})
}

// sleep waits for a time, for the end of ctx, whose error it returns, or until it
// is woken.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-ctx.Done():
	}
	return ctx.Err()
}
