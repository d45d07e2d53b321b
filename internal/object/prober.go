package object

import "context"

// Prober is a store that must be told what it can do: it sends no condition
// that its Capabilities do not name.
type Prober interface {
	// Probe finds out, as the function Probe does, and remembers it.
	Probe(ctx context.Context) (Capabilities, error)
	// SetCapabilities tells the store what was found out before.
	SetCapabilities(known Capabilities)
}

// Learn probes a store, or the one that its wrappers wrap.
func Learn(ctx context.Context, s Store) (Capabilities, error) {
	if p, ok := prober(s); ok {
		return p.Probe(ctx)
	}
	return Probe(ctx, s)
}

// Remind tells a store what was found out about it before.
func Remind(s Store, known Capabilities) {
	if p, ok := prober(s); ok {
		p.SetCapabilities(known)
	}
}

// prober looks through wrappers. Not through ReadOnly: probing writes.
func prober(s Store) (Prober, bool) {
	for {
		if p, ok := s.(Prober); ok {
			return p, true
		}
		w, ok := s.(Wrapper)
		if _, keeps := s.(readOnly); keeps || !ok {
			return nil, false
		}
		s = w.Wrapped()
	}
}
