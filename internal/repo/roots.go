package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"firn/internal/format"
	"firn/internal/object"
)

// rootObject is a root as it is stored.
func rootObject(root *format.Root) []byte {
	return root.Append(format.AppendHeader(nil, format.Header{Kind: format.KindRoot}))
}

// commitRoot creates the next root and then its copy. The root makes the change;
// the copy is written for the day the root is lost. ErrRaced if another root has its number.
func (r *Repository) commitRoot(ctx context.Context, root *format.Root) error {
	if !r.store.Capabilities().IfAbsent {
		// Looking first is what such a drive allows. Of two roots with one number the
		// later would stand, with the same keys: they follow from owner and number.
		if _, err := r.store.Head(ctx, format.RootName(root.Number)); !errors.Is(err, object.ErrNotFound) {
			return errors.Join(err, ErrRaced)
		}
	}
	body := rootObject(root)
	if err := r.putSame(ctx, format.RootName(root.Number), body); err != nil {
		return err
	}
	if err := r.putSame(ctx, format.RootCopyName(root.Number), body); err != nil {
		return fmt.Errorf("the keys are rotated; write the copy of the root: %w", err)
	}
	return nil
}

// putSame creates an object; that it is there with the same bytes means that only
// the answer was lost. ErrRaced if it has others.
func (r *Repository) putSame(ctx context.Context, name string, body []byte) error {
	err := r.putOnce(ctx, name, body)
	if !errors.Is(err, object.ErrExists) {
		return err
	}
	there, _, err := r.store.Get(ctx, name, smallLimit)
	if err == nil && !bytes.Equal(there, body) {
		return ErrRaced
	}
	return err
}

// withCached puts the newest root that this machine saw before those that the drive
// shows, if it is newer than they: who takes a root back takes back revocations.
func (c *Cache) withCached(names []string) []string {
	var newest uint32
	paths, _ := filepath.Glob(c.objectPath(format.RootName(1)) + "*") // where the pattern is bad, nothing is cached
	for _, path := range paths {
		if n, err := format.ParseRootName(filepath.Base(path)); err == nil {
			newest = max(newest, n)
		}
	}
	for _, name := range names {
		if n, err := format.ParseRootName(name); err == nil && n >= newest {
			return names
		}
	}
	if newest == 0 || len(names) == 0 {
		return names
	}
	return append([]string{format.RootName(newest)}, names...)
}

// RootFault is a root object, or its copy, that is missing or not as it should be.
type RootFault struct {
	Name string
	Err  error // why it is none
	body []byte
}

// InspectRoots reads all root objects and their copies, past the cache, and returns
// what is wrong with them. Where root and copy are both beyond reading there is
// nothing to put in their place, unless they are of the root that is in force.
func (r *Repository) InspectRoots(ctx context.Context) ([]RootFault, error) {
	numbers := []uint32{r.keys.Root().Number}
	for _, prefix := range []string{topPrefix, format.RootCopyName(1)} {
		for info, err := range r.store.List(ctx, prefix) {
			if err != nil {
				return nil, fmt.Errorf("list roots: %w", err)
			}
			if n, err := format.ParseRootName(info.Name); err == nil {
				numbers = append(numbers, n)
			}
		}
	}
	slices.Sort(numbers)
	var faults []RootFault
	for _, n := range slices.Compact(numbers) {
		of, err := r.inspectRoot(ctx, n)
		if err != nil {
			return nil, err
		}
		faults = append(faults, of...)
	}
	return faults, nil
}

// inspectRoot compares a root and its copy with what they should be: the root in force,
// or whichever of the two can be read.
func (r *Repository) inspectRoot(ctx context.Context, n uint32) ([]RootFault, error) {
	var right []byte
	if current := r.keys.Root(); current.Number == n {
		right = rootObject(current)
	}
	var there [2][]byte
	var why [2]error
	names := [2]string{format.RootName(n), format.RootCopyName(n)}
	for i, name := range names {
		body, err := r.rootBytes(ctx, name)
		if err != nil && !isDamage(err) {
			return nil, err
		}
		there[i], why[i] = body, err
		if err == nil && right == nil {
			right = body
		}
	}
	var faults []RootFault
	for i, name := range names {
		switch {
		case why[i] != nil:
			faults = append(faults, RootFault{name, why[i], right})
		case !bytes.Equal(there[i], right):
			faults = append(faults, RootFault{name, fmt.Errorf("%w: it differs from the root in force", ErrDamaged), right})
		}
	}
	return faults, nil
}

// rootBytes reads and verifies a root object, past the cache.
func (r *Repository) rootBytes(ctx context.Context, name string) ([]byte, error) {
	b, _, err := r.store.Get(ctx, name, smallLimit)
	if err != nil {
		return nil, err
	}
	root, err := verifyRootObject(name, b)
	if err != nil {
		return nil, err
	}
	n, err := format.ParseRootName(name)
	switch {
	case err != nil:
		return nil, err
	case root.Number != n || !bytes.Equal(root.OwnerKey, r.keys.Root().OwnerKey):
		return nil, fmt.Errorf("read %s: %w: it is another root", name, ErrDamaged)
	}
	return b, nil
}

// Mends reports whether there is something to put in the object's place.
func (f *RootFault) Mends() bool { return f.body != nil }

// MendRoot puts a root object or its copy in its place again. Only what is no root is
// overwritten. ErrDamaged if there is nothing to put there.
func (r *Repository) MendRoot(ctx context.Context, f *RootFault) error {
	if !f.Mends() {
		return fmt.Errorf("restore %s: %w: its copy cannot be read either", f.Name, ErrDamaged)
	}
	absent := errors.Is(f.Err, object.ErrNotFound)
	_, err := r.store.Put(ctx, f.Name, f.body, object.PutOptions{IfAbsent: absent && r.store.Capabilities().IfAbsent})
	if absent && errors.Is(err, object.ErrExists) {
		return nil // somebody else put it there
	}
	if err != nil {
		return fmt.Errorf("restore %s: %w", f.Name, err)
	}
	return nil
}
