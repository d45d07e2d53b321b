package storageconfig

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"firn/internal/format"
	"firn/internal/object"
)

// Move is a pack that is to come into another class.
type Move struct {
	Pack object.Info
	To   string // class
}

// Moves is what it takes to have the packs that are there in the classes that the
// rules say. All else stays where it is: it is small, and written anew from time to
// time.
type Moves struct {
	Moves []Move
	// Frozen must be thawed before they can be moved.
	Frozen []Move
	// There are packs that are in their class already, or that the rules leave to
	// the server.
	There int
}

// Compare finds the packs that are not in their class. frozen says how a pack in an
// archive class stands; nil takes all of them for frozen. leave says which packs are
// not worth moving; nil: none.
func (r *Rules) Compare(ctx context.Context, s object.Store, frozen func(object.Info) (bool, error), leave func(name string) bool) (*Moves, error) {
	m := &Moves{}
	for _, prefix := range []string{format.PrefixData, format.PrefixMeta} {
		for info, err := range s.List(ctx, prefix) {
			if err != nil {
				return nil, fmt.Errorf("list packs: %w", err)
			}
			if _, err := format.ParsePackName(info.Name); err != nil || leave != nil && leave(info.Name) {
				continue
			}
			if err := m.judge(r, info, frozen); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// judge puts a pack where it belongs.
func (m *Moves) judge(r *Rules, info object.Info, frozen func(object.Info) (bool, error)) error {
	to := r.wanted(info.Name).Class
	at := info.Class
	if at == "" {
		at = standard
	}
	switch {
	case to == "" || to == at:
		m.There++
		return nil
	case r.settings.Archive(to) && !strings.HasPrefix(info.Name, format.PrefixData):
		return &Error{Problem: fmt.Sprintf("%s would go into %s", info.Name, to), is: ErrArchive} // no rule that was taken says so
	}
	if r.settings.Archive(at) {
		cold := frozen == nil
		if !cold {
			var err error
			if cold, err = frozen(info); err != nil {
				return fmt.Errorf("see how %s stands: %w", info.Name, err)
			}
		}
		if cold {
			m.Frozen = append(m.Frozen, Move{info, to})
			return nil
		}
	}
	m.Moves = append(m.Moves, Move{info, to})
	return nil
}

// Applied is what came of moving packs.
type Applied struct {
	mu sync.Mutex // held while a pack is counted

	Moved  int
	Bytes  int64
	Frozen []string // packs that turned out to be frozen, and stay
	Gone   int      // packs that were deleted meanwhile, or changed
}

// movers are how many packs are moved at once.
const movers = 8

// Apply moves packs by copying each onto itself on the server. The first of each
// class goes alone, and what the server made of it is looked at, so that a class it
// refuses stops before the others. Broken off, it is begun again with Compare: what is
// in its class is passed over. tell is called after each pack; nil for nobody.
func Apply(ctx context.Context, s object.Store, moves []Move, tell func(*Applied)) (*Applied, error) {
	copier, ok := object.CopierOf(s)
	if !ok {
		return nil, fmt.Errorf("move packs: %w", &object.Error{Op: "copy", Err: object.ErrUnsupported, Advice: "this drive cannot copy on its own; what is written from now on is in its class"})
	}
	a := &Applied{}
	var rest []Move
	tried := map[string]bool{}
	for _, m := range moves {
		if tried[m.To] {
			rest = append(rest, m)
			continue
		}
		moved, err := a.move(ctx, copier, m, tell)
		if err == nil && moved {
			tried[m.To] = true
			err = look(ctx, s, m)
		}
		if err != nil {
			return a, fmt.Errorf("move packs: %w", err)
		}
	}
	g, all := errgroup.WithContext(ctx)
	g.SetLimit(movers)
	for _, m := range rest {
		g.Go(func() error {
			if all.Err() != nil {
				return all.Err()
			}
			_, err := a.move(all, copier, m, tell)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return a, fmt.Errorf("move packs: %w", err)
	}
	slices.Sort(a.Frozen)
	return a, nil
}

// move copies one pack into its class and reports whether it did. One that is frozen,
// gone or changed is counted and is no error.
func (a *Applied) move(ctx context.Context, c object.Copier, m Move, tell func(*Applied)) (bool, error) {
	err := c.Copy(ctx, m.Pack.Name, object.CopyOptions{Class: m.To, IfMatch: m.Pack.ETag, Size: m.Pack.Size})
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err == nil:
		a.Moved++
		a.Bytes += m.Pack.Size
	case errors.Is(err, object.ErrFrozen):
		a.Frozen = append(a.Frozen, m.Pack.Name)
	case errors.Is(err, object.ErrNotFound), errors.Is(err, object.ErrChanged):
		a.Gone++
	default:
		return false, err
	}
	if tell != nil {
		tell(a)
	}
	return err == nil, nil
}

// look sees in which class a pack came.
func look(ctx context.Context, s object.Store, m Move) error {
	info, err := s.Head(ctx, m.Pack.Name)
	if err != nil {
		return err
	}
	class := info.Class
	if class == "" {
		class = standard
	}
	if class == m.To {
		return nil
	}
	return &object.Error{
		Op: "copy", Name: m.Pack.Name, Err: fmt.Errorf("%w: the server took class %s, and the pack is in %s", object.ErrUnsupported, m.To, printable(class)),
		Advice: "choose a class that this provider has",
	}
}
