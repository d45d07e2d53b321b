package seal

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"

	"firn/internal/format"
)

const contextRoot = "firn v1 root"

// RepositoryID returns the ID of the repository that ownerKey, an Ed25519
// public key, owns.
func RepositoryID(ownerKey []byte) format.ID {
	return sha256.Sum256(append([]byte("firn v1 repository"), ownerKey...))
}

// VerifyRoot checks a root's signature and that it is one this program can go
// by, and returns the ID of the repository it belongs to. The caller must compare that
// with the ID it expects. The error is ErrUntrusted, ErrDamaged, or
// format.ErrVersion when the root announces a feature unknown here.
func VerifyRoot(r *format.Root) (format.ID, error) {
	if !verify(r.OwnerKey, r.Signature, contextRoot, r.AppendSigned(nil)) {
		return format.ID{}, fmt.Errorf("verify root %d: %w", r.Number, ErrUntrusted)
	}
	if len(r.Features) > 0 {
		return format.ID{}, fmt.Errorf("verify root %d: feature %q: %w", r.Number, r.Features[0], format.ErrVersion)
	}
	if err := checkEpochs(r); err != nil {
		return format.ID{}, fmt.Errorf("verify root %d: %w", r.Number, err)
	}
	return RepositoryID(r.OwnerKey), nil
}

// checkEpochs checks that epochs ascend from 1 or later and that the dedup epoch is one of them.
func checkEpochs(r *format.Root) error {
	var before uint32
	dedup := false
	for _, e := range r.Epochs {
		if e.Number <= before {
			return fmt.Errorf("epoch %d after %d: %w", e.Number, before, ErrDamaged)
		}
		before = e.Number
		dedup = dedup || e.Number == r.DedupEpoch
	}
	if !dedup {
		return fmt.Errorf("dedup epoch %d not listed: %w", r.DedupEpoch, ErrDamaged)
	}
	return nil
}

// newestEpoch returns the number of the last epoch of a verified root.
func newestEpoch(r *format.Root) uint32 { return r.Epochs[len(r.Epochs)-1].Number }

// signRoot fills in the signature.
func signRoot(owner ed25519.PrivateKey, r *format.Root) {
	r.Signature = sign(owner, contextRoot, r.AppendSigned(nil))
}
