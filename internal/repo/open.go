package repo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

// OpenOptions says how a repository is to be opened.
type OpenOptions struct {
	// Secret opens a key slot.
	Secret seal.Secret
	// Cache is the root folder of caches; empty for a temporary one.
	Cache string
	// Now replaces the machine's clock in simulations.
	Now func() time.Time
}

// features this version understands; a root that names another is refused.
var features = map[string]bool{}

// Open opens the repository on a drive: ErrNoRepository when there is none,
// seal.ErrSecret when no slot takes the secret, ErrOther when the repository
// is not the one this machine saw there before.
func Open(ctx context.Context, store object.Store, opts OpenOptions) (*Repository, error) {
	cache, err := OpenCache(opts.Cache, store.Location())
	if err != nil {
		return nil, err
	}
	r := &Repository{store: store, cache: cache, now: clock(opts.Now), newKeys: awaitNewKeys()}
	if err := r.open(ctx, opts.Secret); err != nil {
		return nil, errors.Join(fmt.Errorf("open repository: %w", err), cache.Close())
	}
	return r, nil
}

func (r *Repository) open(ctx context.Context, secret seal.Secret) error {
	if known := r.cache.facts(); known.Probed {
		object.Remind(r.store, known.Capabilities)
	} else if err := r.Probe(ctx); err != nil && !unwritable(err) {
		return err
	}
	root, err := r.knownRoot(ctx)
	if err != nil {
		return err
	}
	bundle, err := r.openSlots(ctx, seal.RepositoryID(root.OwnerKey), secret)
	if errors.Is(err, seal.ErrSecret) {
		// The root may be the cached one of a repository that is there no more.
		r.cache.dropRoots()
		if _, other := r.knownRoot(ctx); other != nil {
			return other
		}
	}
	if err != nil {
		return err
	}
	r.keys, err = seal.Open(bundle, root, r.cache.hostSeed())
	if err != nil {
		return err
	}
	if r.keys.Role() == format.RoleOwner && !bytes.Equal(r.cache.hostSeed(), r.keys.HostSeed()) {
		r.cache.keepHostSeed(r.keys.HostSeed())
	}
	r.remember()
	return nil
}

// knownRoot returns the root if it is one that this version understands, of the
// repository that this machine knows there.
func (r *Repository) knownRoot(ctx context.Context) (*format.Root, error) {
	root, err := r.readRoot(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range root.Features {
		if !features[f] {
			return nil, fmt.Errorf("%w: it uses %q", ErrFeature, f)
		}
	}
	id := seal.RepositoryID(root.OwnerKey)
	if known := r.cache.facts().Repository; known != "" && known != id.String() {
		r.cache.dropRoots() // else the other's would be taken for the drive's once the known one is back
		return nil, fmt.Errorf("%w (%s; known %s, found %s); if it was replaced on purpose, delete the folder %s",
			ErrOther, r.store.Location(), known, id, r.cache.Dir())
	}
	return root, nil
}

// topPrefix is what the names of roots, and those of claims, begin with: one
// listing shows both.
const topPrefix = "firn."

// rootNames lists the root objects, highest number first.
func rootNames(ctx context.Context, store object.Store) ([]string, error) {
	numbers := map[uint32]string{}
	var order []uint32
	for info, err := range store.List(ctx, topPrefix) {
		if err != nil {
			return nil, err
		}
		if n, err := format.ParseRootName(info.Name); err == nil {
			numbers[n] = info.Name
			order = append(order, n)
		}
	}
	sort.Slice(order, func(i, j int) bool { return order[i] > order[j] })
	names := make([]string, len(order))
	for i, n := range order {
		names[i] = numbers[n]
	}
	return names, nil
}

// readRoot returns the highest valid root, among them the newest this machine has
// seen; a root that is damaged is read from its copy.
func (r *Repository) readRoot(ctx context.Context) (*format.Root, error) {
	names, err := rootNames(ctx, r.store)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		if names, err = r.rootCopies(ctx); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%w (%s)", ErrNoRepository, r.store.Location())
	}
	var damage error
	for _, name := range r.cache.withCached(names) {
		for _, copyOf := range []string{name, "k/" + strings.TrimPrefix(name, "k/")} {
			root, err := r.readRootObject(ctx, copyOf)
			if err == nil {
				return root, nil
			}
			if errors.Is(err, format.ErrVersion) || !isDamage(err) {
				return nil, err
			}
			damage = errors.Join(damage, err)
		}
	}
	return nil, fmt.Errorf("no root object can be read: %w", damage)
}

// rootCopies lists the copies of root objects, highest number first.
func (r *Repository) rootCopies(ctx context.Context) ([]string, error) {
	var names []string
	for info, err := range r.store.List(ctx, format.RootCopyName(1)) {
		if err != nil {
			return nil, err
		}
		if _, err := format.ParseRootName(strings.TrimPrefix(info.Name, format.PrefixKeys)); err == nil {
			names = append(names, info.Name)
		}
	}
	// A longer number is a higher one: they have no leading zeros.
	slices.SortFunc(names, func(a, b string) int {
		return -cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
	return names, nil
}

func (r *Repository) readRootObject(ctx context.Context, name string) (*format.Root, error) {
	var root *format.Root
	err := r.tryCached(ctx, name, func(b []byte) (err error) {
		root, err = verifyRootObject(name, b)
		return err
	})
	return root, err
}

// verifyRootObject opens a root object and checks its signature.
func verifyRootObject(name string, b []byte) (*format.Root, error) {
	h, rest, err := format.ParseHeader(b)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if h.Kind != format.KindRoot {
		return nil, fmt.Errorf("read %s: %w: not a root object", name, ErrDamaged)
	}
	root := new(format.Root)
	if err := root.Decode(rest); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if _, err := seal.VerifyRoot(root); err != nil {
		return nil, fmt.Errorf("verify %s: %w", name, err)
	}
	return root, nil
}

// isDamage reports whether an error speaks of an object's bytes, or of its
// absence, and not of the way to it.
func isDamage(err error) bool {
	for _, target := range []error{
		ErrDamaged, object.ErrNotFound, object.ErrTooLarge, object.ErrShort, object.ErrCorrupt,
		format.ErrCorrupt, format.ErrMagic, format.ErrVersion, seal.ErrUntrusted, seal.ErrDamaged,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// IsDamage reports whether an error means that a stored object is missing,
// altered or unreadable, rather than that the drive failed.
func IsDamage(err error) bool { return err != nil && isDamage(err) }

// unwritable reports whether an error means that a drive takes no new objects just now.
// It may be read all the same.
func unwritable(err error) bool {
	return errors.Is(err, object.ErrReadOnly) || errors.Is(err, object.ErrAccess) || errors.Is(err, object.ErrFull)
}
