package object

import (
	"context"
	"fmt"
)

// Copier is a store that can write an object anew from what it holds of it,
// without the bytes passing here: so that it comes into another storage class.
// Use CopierOf to find it below a store's wrappers.
type Copier interface {
	// Copy replaces an object by itself, as a Put of the same bytes would store
	// it now. Readers see the one or the other. ErrNotFound if it is absent,
	// ErrChanged unless it has the ETag asked for, ErrFrozen if it lies in an
	// archive class without a readable copy, ErrTooLarge for an object of more
	// than MaxCopy bytes, ErrUnsupported if the server cannot. As of Put, any
	// other error says nothing: the copy may have been made.
	Copy(ctx context.Context, name string, opts CopyOptions) error
}

// CopyOptions says how an object is to be written anew.
type CopyOptions struct {
	// Class is a storage class; "" is that of a Put under this name.
	Class string
	// Size is the object's in bytes, if it is known; 0 costs a request. How long
	// the copy may take depends on it.
	Size int64
	// IfMatch copies only the object with this ETag; "" copies any.
	IfMatch string
}

// MaxCopy is the most that S3 copies in one request, in bytes.
const MaxCopy = 5 << 30

// CopierOf finds the Copier in a store or below its wrappers. Requests through
// it are retried, limited and counted as others are; a store that is ReadOnly
// refuses them with ErrReadOnly.
func CopierOf(s Store) (Copier, bool) {
	return beneath(s, func(w Store, inner Copier) Copier {
		if w, ok := w.(interface{ WrapCopier(Copier) Copier }); ok {
			return w.WrapCopier(inner)
		}
		return inner
	})
}

// CopyFunc is a Copier of one function, for wrappers that have a say in what is
// written.
type CopyFunc func(ctx context.Context, name string, opts CopyOptions) error

// Copy implements Copier.
func (f CopyFunc) Copy(ctx context.Context, name string, opts CopyOptions) error {
	return f(ctx, name, opts)
}

// Copy implements Copier. The class changes, the bytes do not, the ETag does.
func (m *Mem) Copy(ctx context.Context, name string, opts CopyOptions) error {
	o, err := m.find(ctx, "copy", name)
	if err != nil {
		return err
	}
	if opts.IfMatch != "" && opts.IfMatch != o.info.ETag {
		return fail("copy", name, ErrChanged)
	}
	read := o.info.ETag
	o.info.Class = opts.Class
	if _, err = m.store(name, o, PutOptions{IfMatch: read}); err != nil {
		err = fmt.Errorf("%w: while it was copied", err)
	}
	return fail("copy", name, err)
}
