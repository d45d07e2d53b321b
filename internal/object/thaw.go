package object

import (
	"context"
	"iter"
	"time"
)

// Thawer is a store with archive classes: objects in them exist, are listed
// and can be deleted, but a Get is ErrFrozen until a readable copy was asked
// for and is there. Stores without such classes need not implement it. Use
// ThawerOf to find it below a store's wrappers.
type Thawer interface {
	// Thaw asks for a readable copy of an object. It returns when the request
	// is taken, hours before the copy is there. That a copy is on its way
	// already is no error, and neither is that the object needs none. A copy
	// that is there is kept for the days asked for, counted from now, even if
	// that is shorter than it would have been. ErrUnsupported if the class has
	// no such tier; ErrNoCapacity if the server has none for this tier just
	// now; ErrNotFound if absent.
	Thaw(ctx context.Context, name string, req ThawRequest) error

	// Frost says how one object stands. ErrNotFound if absent.
	Frost(ctx context.Context, name string) (Frost, error)

	// Frosts lists how all objects stand whose names begin with prefix, many in
	// one request, in no promised order. After an error it yields nothing more.
	// ErrUnsupported, before anything else, from a server whose listings do not
	// tell of copies. That shows only once there is one, and this Thawer knows
	// of it by Thaw or Frost: who comes back to copies that were asked for
	// earlier asks for one of them by Frost first.
	Frosts(ctx context.Context, prefix string) iter.Seq2[Frost, error]
}

// ThawRequest says how fast a copy is wanted and for how long.
type ThawRequest struct {
	Tier Tier
	Days int // how long the copy stays readable; at least 1
	// Class is the object's, as its Frost told; "" if it is not known. It saves
	// requests where a class wants to be asked in its own way.
	Class string
}

// Tier is how fast an object is thawed. Faster is dearer.
type Tier string

// The tiers of S3. Not every class has every one.
const (
	Expedited Tier = "expedited"
	Standard  Tier = "standard"
	Bulk      Tier = "bulk"
)

// Frost is how an object in an archive class, or another, stands.
type Frost struct {
	Info
	// Frozen means that the object cannot be read without a copy.
	Frozen bool
	// Asked means that a copy is on its way.
	Asked bool
	// Until is when the readable copy goes; zero if there is none, or, for a
	// copy that stays (INTELLIGENT_TIERING), if Frozen is false.
	Until time.Time
	// Unsure means that the object came in a listing, which does not tell of its
	// class whether it is frozen (INTELLIGENT_TIERING): the method Frost does.
	Unsure bool
}

// Readable reports whether a Get would succeed at the time given.
func (f Frost) Readable(now time.Time) bool {
	return !f.Unsure && (!f.Frozen || now.Before(f.Until))
}

// ThawerOf finds the Thawer in a store or below its wrappers. Requests through
// it are retried, limited and counted as others are; a store that is ReadOnly
// refuses Thaw, which costs money, with ErrReadOnly.
func ThawerOf(s Store) (Thawer, bool) {
	return beneath(s, func(w Store, inner Thawer) Thawer {
		if w, ok := w.(interface{ WrapThawer(Thawer) Thawer }); ok {
			return w.WrapThawer(inner)
		}
		return inner
	})
}
