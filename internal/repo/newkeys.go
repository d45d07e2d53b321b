package repo

import (
	"context"
	"errors"
	"fmt"

	"firn/internal/format"
	"firn/internal/seal"
)

// ErrLeftOut ends a program that ran while the keys were rotated, where the new ones were
// not meant for its key slot.
var ErrLeftOut = errors.New("the repository's keys were rotated meanwhile, and this key is not among those that were given the new ones")

// vainLooks bounds how often the root is read again in vain: damaged objects may name
// keys that nobody ever made.
const vainLooks = 4

// newKeys is how a repository comes to keys that were made while it was open. All views
// of a repository share it.
type newKeys struct {
	busy    chan struct{} // of capacity 1; full while somebody looks for a newer root
	vain    int           // looks that found none; for who is busy
	leftOut error         // why there are no new keys for this slot; for who is busy
}

func awaitNewKeys() *newKeys { return &newKeys{busy: make(chan struct{}, 1)} }

// WithKeys does what takes the repository's keys. Where that comes upon keys that came
// with a later rotation, the newest root is read as when the repository was opened, and it is done
// once more. ErrLeftOut when the rotation left this key slot out.
func (r *Repository) WithKeys(ctx context.Context, use func() error) error {
	before := r.keys.Root().Number
	err := use()
	if !errors.Is(err, seal.ErrNewKeys) {
		return err
	}
	switch found, look := r.takeNewKeys(ctx, before); {
	case look != nil:
		return fmt.Errorf("take new keys: %w", look)
	case !found:
		return err
	}
	return use()
}

// takeNewKeys makes the keyring follow a root that is newer than number before, and reports
// whether there is one. Of several callers one looks, and the others go by what it found.
func (r *Repository) takeNewKeys(ctx context.Context, before uint32) (found bool, err error) {
	select {
	case r.newKeys.busy <- struct{}{}:
		defer func() { <-r.newKeys.busy }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	switch {
	case r.newKeys.leftOut != nil:
		return false, r.newKeys.leftOut
	case r.keys.Root().Number > before:
		return true, nil
	case r.newKeys.vain >= vainLooks:
		return false, nil
	}
	root, err := r.newestRoot(ctx)
	if err != nil {
		return false, err
	}
	if root.Number <= before {
		r.newKeys.vain++
		return false, nil
	}
	if err := r.keys.Follow(root); err != nil {
		// The reason is not wrapped: who reads an object must not take it for one of that object.
		r.newKeys.leftOut = fmt.Errorf("%w (%v)", ErrLeftOut, err) //nolint:errorlint // see above
		return false, r.newKeys.leftOut
	}
	return true, nil
}

// newestRoot returns the newest root. It asks for those after the one that is known by their
// names, since a listing may lag, and only then lists them.
func (r *Repository) newestRoot(ctx context.Context) (*format.Root, error) {
	var newest *format.Root
	for n := r.keys.Root().Number + 1; ; n++ {
		root, err := r.readRootObject(ctx, format.RootName(n))
		if err == nil && root.Number == n && seal.RepositoryID(root.OwnerKey) == r.ID() {
			newest = root
			continue
		}
		if err != nil && !isDamage(err) {
			return nil, err
		}
		break
	}
	if newest != nil {
		return newest, nil
	}
	return r.knownRoot(ctx)
}
