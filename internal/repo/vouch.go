package repo

import (
	"context"
	"errors"
	"fmt"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

// signatures lists who signed the outcomes, records and segments on the drive, as far
// as they count now. Of what is damaged nothing can be said. Footers of packs are
// left out: a pack counts because a segment names it.
func (r *Repository) signatures(ctx context.Context) ([]seal.Signature, error) {
	var all []seal.Signature
	for _, prefix := range []string{format.PrefixManifests, format.PrefixRecords} {
		for info, err := range r.store.List(ctx, prefix) {
			if err != nil {
				return nil, fmt.Errorf("list %s: %w", prefix, err)
			}
			signature, err := r.signature(ctx, info.Name)
			switch {
			case err == nil:
				all = append(all, signature)
			case errors.Is(err, object.ErrNotFound), isDamage(err):
			default:
				return nil, fmt.Errorf("read %s: %w", info.Name, err)
			}
		}
	}
	view, _, err := r.loadView(ctx, nil, walked)
	if err != nil {
		return nil, err
	}
	for _, s := range view.Segments() {
		all = append(all, s.Signature)
	}
	return all, view.Close()
}

// signature reads the signature of a sealed object.
func (r *Repository) signature(ctx context.Context, name string) (s seal.Signature, err error) {
	err = r.getCached(ctx, name, func(b []byte) error {
		if s, err = r.keys.RecordSignature(name, b); err != nil {
			return err
		}
		_, err := r.verifySealed(name, b) // that it stands under the signer's name, too
		return err
	})
	return s, err
}
