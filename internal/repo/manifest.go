package repo

import (
	"context"
	"crypto/sha256"
	"fmt"

	"firn/internal/format"
)

// Outcome is what stands under m/ for a session: a manifest, or nil for a
// tombstone.
type Outcome struct {
	Session  string
	Manifest *format.Manifest
	Hash     format.ID   // SHA-256 of the object
	Signer   format.Host // who wrote it
}

// OutcomeNames lists the sessions that have an outcome.
func (r *Repository) OutcomeNames(ctx context.Context) ([]string, error) {
	var sessions []string
	listed := map[string]bool{}
	for info, err := range r.store.List(ctx, "m/") {
		if err != nil {
			return nil, fmt.Errorf("list snapshots: %w", err)
		}
		session, err := format.ParseManifestObject(info.Name)
		if err != nil {
			continue // nobody's object: it takes part in nothing
		}
		listed[info.Name] = true
		sessions = append(sessions, session)
	}
	r.cache.trimObjects("m/", listed)
	return sessions, nil
}

// ReadOutcome reads and verifies the outcome of a session.
func (r *Repository) ReadOutcome(ctx context.Context, session string) (*Outcome, error) {
	name := format.ManifestObject(session)
	out := &Outcome{Session: session}
	err := r.getCached(ctx, name, func(b []byte) error {
		opened, err := r.openSealed(name, b)
		if err != nil {
			return err
		}
		out.Hash = sha256.Sum256(b)
		out.Signer = format.HostOf(opened.Signer.PublicKey)
		out.Manifest = nil
		if opened.Kind == format.KindTombstone {
			return nil
		}
		m := new(format.Manifest)
		if err := m.Decode(opened.Body); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if m.Session != session {
			return fmt.Errorf("read %s: %w: it is the manifest of session %s", name, ErrDamaged, m.Session)
		}
		out.Manifest = m
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// CachedOutcome returns the kind of a session's outcome, from the cache where
// it is known.
func (r *Repository) CachedOutcome(ctx context.Context, session string) (format.Kind, error) {
	name := format.ManifestObject(session)
	var kind format.Kind
	err := r.getCached(ctx, name, func(b []byte) error {
		var err error
		kind, err = r.verifySealed(name, b)
		return err
	})
	return kind, err
}
