package repo

import (
	"fmt"

	"firn/internal/format"
	"firn/internal/seal"
)

// openSealed verifies and opens a sealed object, and makes sure that whoever
// signed it may stand under that name.
func (r *Repository) openSealed(name string, object []byte) (*seal.Opened, error) {
	opened, err := r.keys.OpenRecord(name, object)
	if err != nil {
		return nil, err
	}
	return opened, checkSigner(name, opened.Kind, opened.Signer)
}

// verifySealed is openSealed without opening: for writers, who cannot read
// manifests.
func (r *Repository) verifySealed(name string, object []byte) (format.Kind, error) {
	kind, _, err := r.verifySigner(name, object)
	return kind, err
}

// verifySigner is verifySealed and tells who signed it.
func (r *Repository) verifySigner(name string, object []byte) (format.Kind, format.Host, error) {
	kind, signer, err := r.keys.VerifyRecord(name, object)
	if err != nil {
		return 0, format.Host{}, fmt.Errorf("verify %s: %w", name, err)
	}
	return kind, format.HostOf(signer.PublicKey), checkSigner(name, kind, signer)
}

// checkSigner refuses objects under the name of a host that did not sign them.
// Only a tombstone stands under the name of the session it closes, and a decision
// under that of the record it settles, whoever wrote these.
func checkSigner(name string, kind format.Kind, signer format.Certificate) error {
	if kind == format.KindTombstone || kind == format.KindDecision {
		return nil
	}
	host := format.HostOf(signer.PublicKey).String() + "-"
	if len(name) < 2+len(host) || name[2:2+len(host)] != host {
		return fmt.Errorf("verify %s: %w: it was signed by another host, %s", name, seal.ErrUntrusted, host[:len(host)-1])
	}
	return nil
}
