package seal

import (
	"fmt"
	"slices"

	"firn/internal/format"
)

const contextFooterSignature = "firn v1 footer"

// maxFooter is the largest sealed footer a reader opens, in bytes.
const maxFooter = 64 << 20

// SealFooter signs and seals the footer of a pack of kind KindData or
// KindMeta under the newest epoch. It fills in Signer and Signature.
func (k *Keyring) SealFooter(kind format.Kind, f *format.Footer) ([]byte, error) {
	keys, err := k.indexKeys(k.Epoch())
	if err != nil {
		return nil, fmt.Errorf("seal footer: %w", err)
	}
	f.Signer = k.Certificate()
	f.Signature = k.Sign(contextFooterSignature, k.bundle.Repository[:], []byte{byte(kind)}, f.AppendSigned(nil))
	body := f.Append(nil)
	salt := freshSalt(body)
	key := subkey(&keys.footer, salt[:])
	sealed := make([]byte, 0, len(salt)+len(body)+tagSize)
	sealed = append(sealed, salt[:]...)
	return aead(&key).Seal(sealed, zeroNonce[:], body, k.footerData(kind)), nil
}

// OpenFooter opens the footer of a pack of kind whose header names epoch. All
// roles can. The footer's digest of the pack is the caller's to compare. It may be a
// revoked host's: a pack counts because a segment that is trusted names it by its hash; who goes by
// footers alone asks IsRevoked. Errors: ErrNoKey, ErrDamaged, ErrUntrusted when
// the owner did not certify its signer.
func (k *Keyring) OpenFooter(kind format.Kind, epoch uint32, sealed []byte) (*format.Footer, error) {
	keys, err := k.indexKeys(epoch)
	if err != nil {
		return nil, fmt.Errorf("open footer: %w", err)
	}
	if len(sealed) < keySize+tagSize || len(sealed) > maxFooter {
		return nil, fmt.Errorf("open footer of %d bytes: %w", len(sealed), ErrDamaged)
	}
	key := subkey(&keys.footer, sealed[:keySize])
	body, err := aead(&key).Open(nil, zeroNonce[:], sealed[keySize:], k.footerData(kind))
	if err != nil {
		return nil, fmt.Errorf("open footer: %w", ErrDamaged)
	}
	f := new(format.Footer)
	if err := f.Decode(body); err != nil {
		return nil, broken("open footer", err)
	}
	err = k.verifySigned(&f.Signer, contextFooterSignature, f.Signature,
		k.bundle.Repository[:], []byte{byte(kind)}, f.AppendSigned(nil))
	if err != nil {
		return nil, fmt.Errorf("open footer: %w", err)
	}
	return f, nil
}

// footerData is the associated data of a footer.
func (k *Keyring) footerData(kind format.Kind) []byte {
	return slices.Concat(k.bundle.Repository[:], []byte{byte(kind)})
}
