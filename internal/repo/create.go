package repo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

// Shape of new repositories.
const (
	chunkMin  = 256 << 10 // bytes
	chunkMean = 1 << 20
	chunkMax  = 4 << 20
	pageMin   = 32 // entries
	pageMean  = 160
	pageMax   = 512
)

// CreateOptions says how a repository is to be made.
type CreateOptions struct {
	// Slots to write; at least one, all with the owner's role.
	Slots []NewSlot
	// Cache is the root folder of caches; empty for a temporary one.
	Cache string
	// Claim, if not nil, is called just before the root is written, which makes
	// the repository. Its error ends the creation.
	Claim func(ctx context.Context, repository format.ID) error
	// Now replaces the machine's clock in simulations.
	Now func() time.Time
}

// NewSlot is a key slot to be written.
type NewSlot struct {
	Secret seal.Secret
	Label  string
	// Cost of a passphrase; zero for the default.
	Cost seal.Argon2Cost
}

// Create makes a repository on a drive that has none and opens it.
//
// Slots are written before the root, so that a repository that exists can be
// opened; a slot left by an attempt that broke off belongs to no root and is
// passed over. The root appears under its name by one create-once write, so of
// two that create at once one gets ErrExists.
func Create(ctx context.Context, store object.Store, opts CreateOptions) (*Repository, error) {
	if len(opts.Slots) == 0 {
		return nil, errors.New("create repository: no key slot asked for")
	}
	roots, err := rootNames(ctx, store)
	if err != nil {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	if len(roots) > 0 {
		return nil, fmt.Errorf("%w (%s)", ErrExists, store.Location())
	}
	cache, err := OpenCache(opts.Cache, store.Location())
	if err != nil {
		return nil, err
	}
	r := &Repository{store: store, cache: cache, now: clock(opts.Now), newKeys: awaitNewKeys()}
	if err := r.create(ctx, opts); err != nil {
		return nil, errors.Join(fmt.Errorf("create repository: %w", err), cache.Close())
	}
	return r, nil
}

func (r *Repository) create(ctx context.Context, opts CreateOptions) error {
	if err := r.cache.Reset(); err != nil {
		return err
	}
	if err := r.Probe(ctx); err != nil {
		return err
	}
	keys, root, err := seal.Create(seal.RootParams{
		Created: r.now(), Program: Program,
		ChunkMin: chunkMin, ChunkMean: chunkMean, ChunkMax: chunkMax,
		PageMin: pageMin, PageMean: pageMean, PageMax: pageMax,
	})
	if err != nil {
		return err
	}
	r.keys = keys
	for _, slot := range opts.Slots {
		id, err := r.AddSlot(ctx, format.RoleOwner, slot)
		if err != nil {
			return err
		}
		r.slot = id
	}
	if opts.Claim != nil {
		if err := opts.Claim(ctx, keys.Repository()); err != nil {
			return err
		}
	}
	if err := r.putRoot(ctx, root); err != nil {
		return err
	}
	r.cache.keepHostSeed(keys.HostSeed())
	r.remember()
	return nil
}

// putRoot writes a root under its name and then its copy.
func (r *Repository) putRoot(ctx context.Context, root *format.Root) error {
	body := rootObject(root)
	err := r.putOnce(ctx, format.RootName(root.Number), body)
	if errors.Is(err, object.ErrExists) {
		return ErrExists
	}
	if err != nil {
		return err
	}
	if err := r.putOnce(ctx, format.RootCopyName(root.Number), body); err != nil {
		return err
	}
	r.cache.keepObject(format.RootName(root.Number), body)
	return nil
}

// Probe finds out what the drive can do and remembers it.
func (r *Repository) Probe(ctx context.Context) error {
	caps, err := object.Learn(ctx, r.store)
	if err != nil {
		return fmt.Errorf("probe drive: %w", err)
	}
	r.cache.learn(func(f *facts) {
		f.Location, f.Capabilities, f.Probed = r.store.Location(), caps, true
	})
	return nil
}

// Confirm makes sure that the drive still refuses to overwrite if that is what is
// remembered of it; else it is probed anew.
func (r *Repository) Confirm(ctx context.Context) error {
	if r.store.Capabilities().IfAbsent {
		honoured, err := object.Confirm(ctx, r.store)
		if err != nil {
			return fmt.Errorf("probe drive: %w", err)
		}
		if honoured {
			return nil
		}
	}
	return r.Probe(ctx)
}

func (r *Repository) remember() {
	r.cache.learn(func(f *facts) {
		f.Location = r.store.Location()
		f.Repository = r.keys.Repository().String()
		f.Slot = format.SlotName(r.slot)
	})
}

// putOnce creates an object that is never changed. Where the drive cannot
// refuse to overwrite, the name's randomness is what keeps it unique.
func (r *Repository) putOnce(ctx context.Context, name string, body []byte) error {
	_, err := r.store.Put(ctx, name, body, object.PutOptions{IfAbsent: r.store.Capabilities().IfAbsent})
	return err
}

func clock(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

func random16() (b [16]byte) {
	// crypto/rand.Read never fails: it ends the program when the system has
	// no randomness.
	_, _ = rand.Read(b[:])
	return b
}
