package claim

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"firn/internal/format"
	"firn/internal/object"
)

// Guard is a store that writes and deletes only where the directory's claim
// allows it to its holder. Reading is free to all.
//
// The claim is looked at once, when the drive is opened or first written to. It
// costs no request of its own as a rule: a listing that goes through the guard
// and shows the claims, as that of the root objects does, is remembered, and
// claims, which never change, are kept in the local cache.
type Guard struct {
	object.Store
	who   Holder
	cache cache
	take  taking
	now   func() time.Time

	allowed atomic.Bool // the claim was found to allow writing

	mu         sync.Mutex
	seen       *standing // guarded by mu; nil before a listing has shown it
	repository format.ID // guarded by mu; zero until known
}

// listingPause is how long an announcement is given to show in listings.
const listingPause = 2 * time.Second

// NewGuard puts a guard around a drive's store. cacheRoot is the folder of local
// caches; empty for none.
func NewGuard(store object.Store, who Holder, cacheRoot string) *Guard {
	kept := cacheOf(cacheRoot, store.Location())
	return &Guard{
		Store: store, who: who, cache: kept, now: time.Now,
		take: taking{store: store, pause: listingPause, cache: kept},
	}
}

// Vacant says whether a repository can be created in the directory: nobody has
// claimed it, or somebody did long ago and never went on. It is asked when no
// repository was found there.
func (g *Guard) Vacant(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	found, err := g.look(ctx)
	if err != nil {
		return err
	}
	if found.number == 0 || g.now().Sub(found.highest.Modified) > forgotten {
		g.allowed.Store(true)
		return nil
	}
	c, err := g.read(ctx, found)
	if err != nil {
		return err
	}
	return &object.Error{
		Op: "claim", Err: &HeldError{*c, "somebody is about to create a repository here"},
		Advice: fmt.Sprintf("if that broke off, it can be begun anew after %s, or elsewhere at once",
			found.highest.Modified.Add(forgotten).UTC().Format("2006-01-02 15:04 MST")),
	}
}

// Found claims the directory for a repository that is about to be created: of
// several that do, one has it, the others get ErrHeld.
func (g *Guard) Found(ctx context.Context, repository format.ID) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.repository = repository
	before := uint32(0)
	if g.seen != nil {
		before = g.seen.number
	}
	return g.create(ctx, g.who.claim(repository, before+1, g.now()))
}

// Admit is to be called before a command that writes. It refuses a directory
// that is somebody else's with ErrHeld, and makes the claim that the settings
// ask for where the present one says less: the first that wants it has it.
func (g *Guard) Admit(ctx context.Context, repository format.ID) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.repository = repository
	present, err := g.judged(ctx)
	if err != nil {
		return err
	}
	if wanted := g.who.improve(present, repository, g.now()); wanted != nil {
		return g.create(ctx, wanted)
	}
	g.allowed.Store(true)
	return nil
}

// TakeOver moves the directory to the guard's holder, whoever has it, and
// returns the claim made. Somebody who does the same at the same moment may be
// the one who has it then: ErrHeld.
func (g *Guard) TakeOver(ctx context.Context, repository format.ID) (*Claim, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	found, err := look(ctx, g.Store)
	if err != nil {
		return nil, err
	}
	c := g.who.claim(repository, found.number+1, g.now())
	if err := g.create(ctx, c); err != nil {
		return nil, err
	}
	return c, nil
}

// Current returns the claim that holds, nil if there is none.
func (g *Guard) Current(ctx context.Context) (*Claim, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	found, err := g.look(ctx)
	if err != nil || found.number == 0 {
		return nil, err
	}
	return g.read(ctx, found)
}

// create makes a claim. A store of which nothing is known is probed before. The
// caller holds mu.
func (g *Guard) create(ctx context.Context, c *Claim) error {
	if g.Store.Capabilities() == (object.Capabilities{}) {
		if _, err := object.Learn(ctx, g.Store); err != nil && !errors.Is(err, object.ErrAccess) {
			return fmt.Errorf("claim directory: %w", err)
		}
	}
	err := g.take.create(ctx, c)
	g.seen = nil
	switch {
	case err == nil:
		g.allowed.Store(true)
		return nil
	case errors.Is(err, errLost):
		return g.lost(ctx)
	}
	return fmt.Errorf("claim directory: %w", err)
}

// lost says who was faster. The caller holds mu.
func (g *Guard) lost(ctx context.Context) error {
	found, err := g.look(ctx)
	if err != nil {
		return err
	}
	if found.number == 0 {
		return fmt.Errorf("%w: another host tries the same at the same time", ErrHeld)
	}
	c, err := g.read(ctx, found)
	if err != nil {
		return err
	}
	return &object.Error{Op: "claim", Err: &HeldError{*c, "somebody else was faster"}, Advice: adviceHeld}
}

// look returns what a listing showed, of this moment if none did yet. The
// caller holds mu.
func (g *Guard) look(ctx context.Context) (*standing, error) {
	if g.seen != nil {
		return g.seen, nil
	}
	found, err := look(ctx, g.Store)
	if err == nil {
		g.seen = found
	}
	return found, err
}

// read returns the claim that holds. The caller holds mu.
func (g *Guard) read(ctx context.Context, found *standing) (*Claim, error) {
	body, known := g.cache.get(&found.highest)
	if known {
		if c, err := decode(found.number, body); err == nil {
			return c, nil
		}
	}
	var c *Claim
	body, info, err := g.Store.Get(ctx, found.highest.Name, maxSize)
	if err != nil && !errors.Is(err, object.ErrTooLarge) {
		return nil, fmt.Errorf("read claim: %w", err)
	}
	if err == nil {
		c, err = decode(found.number, body)
	}
	if err != nil {
		return nil, &object.Error{Op: "read", Name: found.highest.Name, Err: &unreadable{err}, Advice: adviceDamaged}
	}
	info.Name = found.highest.Name
	g.cache.keep(&info, body)
	return c, nil
}

// may says whether the guard's holder may write.
func (g *Guard) may(ctx context.Context) error {
	if g.allowed.Load() {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, err := g.judged(ctx); err != nil {
		return err
	}
	g.allowed.Store(true)
	return nil
}

// judged returns the claim that holds, nil if there is none, or the error that
// it keeps the holder out. The caller holds mu.
func (g *Guard) judged(ctx context.Context) (*Claim, error) {
	found, err := g.look(ctx)
	if err != nil || found.number == 0 {
		return nil, err
	}
	c, err := g.read(ctx, found)
	if err != nil {
		return nil, err
	}
	if held := g.who.judge(c, g.repository); held != nil {
		return nil, held
	}
	return c, nil
}

// Put implements object.Store.
func (g *Guard) Put(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
	if err := g.may(ctx); err != nil {
		return object.Info{}, err
	}
	return g.Store.Put(ctx, name, body, opts)
}

// Delete implements object.Store.
func (g *Guard) Delete(ctx context.Context, names ...string) error {
	if err := g.may(ctx); err != nil {
		return err
	}
	return g.Store.Delete(ctx, names...)
}

// List implements object.Store. It remembers claims that pass.
func (g *Guard) List(ctx context.Context, prefix string) iter.Seq2[object.Info, error] {
	if !strings.HasPrefix(Prefix, prefix) {
		return g.Store.List(ctx, prefix)
	}
	return func(yield func(object.Info, error) bool) {
		passing := new(standing)
		for info, err := range g.Store.List(ctx, prefix) {
			passing.note(info)
			if !yield(info, err) || err != nil {
				return
			}
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.seen = passing
	}
}

// Probe implements object.Prober.
func (g *Guard) Probe(ctx context.Context) (object.Capabilities, error) {
	if err := g.may(ctx); err != nil {
		return object.Capabilities{}, err
	}
	return object.Learn(ctx, g.Store)
}

// SetCapabilities implements object.Prober.
func (g *Guard) SetCapabilities(known object.Capabilities) { object.Remind(g.Store, known) }

// Wrapped implements object.Wrapper: thawing is part of reading, which is free
// to all.
func (g *Guard) Wrapped() object.Store { return g.Store }

// WrapCopier has copies made only where Put is allowed.
func (g *Guard) WrapCopier(c object.Copier) object.Copier {
	return object.CopyFunc(func(ctx context.Context, name string, opts object.CopyOptions) error {
		if err := g.may(ctx); err != nil {
			return err
		}
		return c.Copy(ctx, name, opts)
	})
}
