package object

// Wrapper is a store that hands on to another what it has no part in, so that
// what the other can do beyond Store is found: ThawerOf, CopierOf. A store that
// wraps another and does not say so hides that. One that has a say in thawing or
// copying also has a method WrapThawer(Thawer) Thawer or WrapCopier(Copier) Copier,
// which is given what was found below it.
type Wrapper interface {
	// Wrapped returns the store that requests go on to.
	Wrapped() Store
}

// Wrapped implements Wrapper.
func (l *limited) Wrapped() Store { return l.Store }

// Wrapped implements Wrapper.
func (m *Metered) Wrapped() Store { return m.Store }

// Wrapped implements Wrapper.
func (r *retrying) Wrapped() Store { return r.Store }

// Wrapped implements Wrapper.
func (r readOnly) Wrapped() Store { return r.Store }

// beneath finds a T in a store or below its wrappers. around is what a wrapper
// in between makes of it.
func beneath[T any](s Store, around func(w Store, inner T) T) (T, bool) {
	if found, ok := s.(T); ok {
		return found, true
	}
	var none T
	w, ok := s.(Wrapper)
	if !ok {
		return none, false
	}
	inner, ok := beneath(w.Wrapped(), around)
	if !ok {
		return none, false
	}
	return around(s, inner), true
}
