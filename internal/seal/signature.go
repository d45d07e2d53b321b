package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"

	"firn/internal/format"
)

const contextCertificate = "firn v1 certificate"

// Sign signs context and parts, one behind the other, with the host key. What
// the parts are must follow from the context alone.
func (k *Keyring) Sign(context string, parts ...[]byte) []byte {
	return sign(k.host, context, parts...)
}

// VerifySignature checks a host's signature over context and parts: that the
// owner certified the key and did not revoke it, or vouches for this, and that it
// signed just this. The error is ErrUntrusted. What the certificate's role may do is the caller's to judge.
func (k *Keyring) VerifySignature(c *format.Certificate, context string, sig []byte, parts ...[]byte) error {
	if !k.Accepts(c, sig) {
		return fmt.Errorf("verify signature of host %x: %w", format.HostOf(c.PublicKey), ErrRevoked)
	}
	return k.verifySigned(c, context, sig, parts...)
}

// Accepts reports whether the certificate's key is not revoked, or the owner vouches
// for the signature all the same. Neither certificate nor signature is verified.
func (k *Keyring) Accepts(c *format.Certificate, sig []byte) bool {
	return !k.IsRevoked(c) || k.standing.Load().vouched[MarkOf(sig)]
}

// IsRevoked reports whether the owner revoked the certificate's key.
func (k *Keyring) IsRevoked(c *format.Certificate) bool {
	return len(c.PublicKey) == ed25519.PublicKeySize && k.standing.Load().revoked[[ed25519.PublicKeySize]byte(c.PublicKey)]
}

// MarkOf returns what the owner vouches with for a signature: its SHA-256.
func MarkOf(sig []byte) format.ID { return sha256.Sum256(sig) }

// verifySigned is VerifySignature without asking whether the key was revoked.
func (k *Keyring) verifySigned(c *format.Certificate, context string, sig []byte, parts ...[]byte) error {
	if err := k.verifyCertificate(c); err != nil {
		return err
	}
	if !verify(c.PublicKey, sig, context, parts...) {
		return fmt.Errorf("verify signature of host %x: %w", format.HostOf(c.PublicKey), ErrUntrusted)
	}
	return nil
}

// trustedCertificate is a certificate by value.
type trustedCertificate struct {
	publicKey [ed25519.PublicKeySize]byte
	signature [ed25519.SignatureSize]byte
	role      format.Role
	epoch     uint32
}

// verifyCertificate checks that the owner issued c.
func (k *Keyring) verifyCertificate(c *format.Certificate) error {
	if len(c.PublicKey) != ed25519.PublicKeySize || len(c.Signature) != ed25519.SignatureSize {
		return fmt.Errorf("verify certificate: malformed: %w", ErrUntrusted)
	}
	known := trustedCertificate{role: c.Role, epoch: c.Epoch}
	copy(known.publicKey[:], c.PublicKey)
	copy(known.signature[:], c.Signature)
	if _, ok := k.trusted.Load(known); ok {
		return nil
	}
	switch c.Role {
	case format.RoleOwner, format.RoleWriter, format.RoleMaintainer:
	default:
		return fmt.Errorf("verify certificate: role %d: %w", c.Role, ErrUntrusted)
	}
	if !verify(k.Root().OwnerKey, c.Signature, contextCertificate, k.bundle.Repository[:], c.AppendSigned(nil)) {
		return fmt.Errorf("verify certificate of host %x: %w", format.HostOf(c.PublicKey), ErrUntrusted)
	}
	k.trusted.Store(known, struct{}{}) // bounded by what the owner has issued
	return nil
}

// certify issues a certificate for a host key.
func certify(owner ed25519.PrivateKey, repository format.ID, host ed25519.PublicKey, role format.Role, epoch uint32) format.Certificate {
	c := format.Certificate{PublicKey: bytes.Clone(host), Role: role, Epoch: epoch}
	c.Signature = sign(owner, contextCertificate, repository[:], c.AppendSigned(nil))
	return c
}

// signingKey turns a seed into an Ed25519 key.
func signingKey(seed []byte) (ed25519.PrivateKey, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("signing key of %d bytes: %w", len(seed), ErrDamaged)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// publicHalf returns the public half of a signing key.
func publicHalf(key ed25519.PrivateKey) ed25519.PublicKey {
	return key.Public().(ed25519.PublicKey)
}

func sign(key ed25519.PrivateKey, context string, parts ...[]byte) []byte {
	return ed25519.Sign(key, message(context, parts))
}

// verify also refuses keys and signatures of the wrong size.
func verify(publicKey, sig []byte, context string, parts ...[]byte) bool {
	return len(publicKey) == ed25519.PublicKeySize && ed25519.Verify(publicKey, message(context, parts), sig)
}

// message is what is signed: context and parts, one behind the other.
func message(context string, parts [][]byte) []byte {
	return append([]byte(context), bytes.Join(parts, nil)...)
}
