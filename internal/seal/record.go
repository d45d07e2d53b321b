package seal

import (
	"crypto/hpke"
	"fmt"
	"slices"
	"strings"

	"firn/internal/format"
)

const (
	contextEnvelope = "firn v1 envelope"
	contextManifest = "firn v1 manifest"
)

// maxRecord is the largest sealed record a reader opens, in bytes.
const maxRecord = 64 << 20

// Opened is an authentic record.
type Opened struct {
	Kind   format.Kind
	Body   []byte
	Signer format.Certificate
}

// SealRecord makes the whole object that is stored under name: header and
// envelope, signed by the host. Manifests are sealed to the metadata key, so that a writer
// cannot read them back; the other kinds under the index key. Errors: ErrRole for
// tombstones, records and decisions unless maintainer or owner; ErrNoKey.
func (k *Keyring) SealRecord(kind format.Kind, name string, body []byte) ([]byte, error) {
	if !fits(kind, name) {
		return nil, fmt.Errorf("seal %s: not a name for kind %q", name, byte(kind))
	}
	if !maySign(k.certificate.Role, kind) {
		return nil, fmt.Errorf("seal %s: %w", name, ErrRole)
	}
	header := format.AppendHeader(nil, format.Header{Kind: kind, Epoch: k.Epoch()})
	e := &format.Envelope{Repository: k.bundle.Repository, Name: name, Signer: k.certificate}
	var err error
	if kind == format.KindManifest {
		err = k.sealManifest(e, body)
	} else {
		err = k.sealSymmetric(e, header, body)
	}
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", name, err)
	}
	e.Signature = k.Sign(contextEnvelope, header, e.AppendSigned(nil))
	return e.Append(header), nil
}

func (k *Keyring) sealManifest(e *format.Envelope, body []byte) error {
	public := k.sealingKey(format.KindMeta, k.Epoch()).public
	enc, sender, err := hpke.NewSender(public, hpke.HKDFSHA256(), hpke.AES256GCM(), k.manifestInfo())
	if err != nil {
		return err
	}
	e.Encapsulation = enc
	e.Sealed, err = sender.Seal([]byte(e.Name), body)
	return err
}

func (k *Keyring) sealSymmetric(e *format.Envelope, header, body []byte) error {
	keys, err := k.indexKeys(k.Epoch())
	if err != nil {
		return err
	}
	salt := freshSalt(body)
	key := subkey(&keys.record, salt[:])
	e.Salt = salt[:]
	e.Sealed = aead(&key).Seal(nil, zeroNonce[:], body, k.recordData(header, e.Name))
	return nil
}

// OpenRecord opens an object read under name after checking all that
// VerifyRecord checks. Errors are those of VerifyRecord, and ErrNoKey for manifests without
// the metadata secret or for an epoch not held.
func (k *Keyring) OpenRecord(name string, object []byte) (*Opened, error) {
	judge, at := k.standing.Load(), openingOf(name, object)
	if known := k.openings.find(judge, at); known != nil {
		return known, nil
	}
	header, e, err := k.verifyRecord(name, object)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	opened := &Opened{Kind: header.Kind, Signer: e.Signer}
	if header.Kind == format.KindManifest {
		opened.Body, err = k.openManifest(header.Epoch, e)
	} else {
		opened.Body, err = k.openSymmetric(header, e)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	k.openings.keep(judge, at, opened)
	return opened, nil
}

func (k *Keyring) openManifest(epoch uint32, e *format.Envelope) ([]byte, error) {
	key := k.sealingKey(format.KindMeta, epoch).secret
	if key == nil {
		return nil, fmt.Errorf("metadata key of epoch %d: %w", epoch, k.notHeld(epoch))
	}
	recipient, err := hpke.NewRecipient(e.Encapsulation, key, hpke.HKDFSHA256(), hpke.AES256GCM(), k.manifestInfo())
	if err != nil {
		return nil, fmt.Errorf("encapsulation: %w", ErrDamaged)
	}
	body, err := recipient.Open([]byte(e.Name), e.Sealed)
	if err != nil {
		return nil, ErrDamaged
	}
	return body, nil
}

func (k *Keyring) openSymmetric(h format.Header, e *format.Envelope) ([]byte, error) {
	keys, err := k.indexKeys(h.Epoch)
	if err != nil {
		return nil, err
	}
	if len(e.Salt) != keySize {
		return nil, fmt.Errorf("salt of %d bytes: %w", len(e.Salt), ErrDamaged)
	}
	key := subkey(&keys.record, e.Salt)
	body, err := aead(&key).Open(nil, zeroNonce[:], e.Sealed, k.recordData(format.AppendHeader(nil, h), e.Name))
	if err != nil {
		return nil, ErrDamaged
	}
	return body, nil
}

// VerifyRecord checks an object read under name without opening it: that it
// was made for this repository and name by a certified host that is not revoked and whose role may
// sign its kind. It returns kind and signer. Errors: ErrDamaged, ErrUntrusted, format.ErrVersion.
func (k *Keyring) VerifyRecord(name string, object []byte) (format.Kind, format.Certificate, error) {
	header, e, err := k.verifyRecord(name, object)
	if err != nil {
		return 0, format.Certificate{}, fmt.Errorf("verify %s: %w", name, err)
	}
	return header.Kind, e.Signer, nil
}

// Signature is who signed an object, and the mark by which the owner may vouch for it.
type Signature struct {
	Signer format.Certificate
	Mark   format.ID
}

// RecordSignature does as VerifyRecord and returns the object's signature.
func (k *Keyring) RecordSignature(name string, object []byte) (Signature, error) {
	_, e, err := k.verifyRecord(name, object)
	if err != nil {
		return Signature{}, fmt.Errorf("verify %s: %w", name, err)
	}
	return Signature{e.Signer, MarkOf(e.Signature)}, nil
}

func (k *Keyring) verifyRecord(name string, object []byte) (format.Header, *format.Envelope, error) {
	if len(object) > maxRecord {
		return format.Header{}, nil, fmt.Errorf("%d bytes: %w", len(object), ErrDamaged)
	}
	header, rest, err := format.ParseHeader(object)
	if err != nil {
		return header, nil, broken("header", err)
	}
	e := new(format.Envelope)
	if err := e.Decode(rest); err != nil {
		return header, nil, broken("envelope", err)
	}
	switch {
	case e.Repository != k.bundle.Repository:
		return header, nil, fmt.Errorf("of another repository: %w", ErrUntrusted)
	case e.Name != name || !fits(header.Kind, name):
		return header, nil, fmt.Errorf("made for another name: %w", ErrUntrusted)
	case !maySign(e.Signer.Role, header.Kind):
		return header, nil, fmt.Errorf("signer's role is %d: %w", e.Signer.Role, ErrUntrusted)
	}
	head := object[:len(object)-len(rest)]
	if err := k.VerifySignature(&e.Signer, contextEnvelope, e.Signature, head, e.AppendSigned(nil)); err != nil {
		return header, nil, err
	}
	return header, e, nil
}

// fits reports whether objects of kind, which must be that of a record, are stored under such a name.
func fits(kind format.Kind, name string) bool {
	switch kind {
	case format.KindSession, format.KindHeartbeat:
		return strings.HasPrefix(name, string(rune(kind))+"/")
	case format.KindManifest, format.KindTombstone:
		return strings.HasPrefix(name, "m/")
	case format.KindRecord:
		return strings.HasPrefix(name, "g/") && !strings.HasSuffix(name, ".s")
	case format.KindDecision:
		return strings.HasPrefix(name, "g/") && strings.HasSuffix(name, ".s")
	}
	return false
}

// maySign reports whether records of kind count from a host of role.
func maySign(role format.Role, kind format.Kind) bool {
	switch kind {
	case format.KindTombstone, format.KindRecord, format.KindDecision:
		return role == format.RoleMaintainer || role == format.RoleOwner
	}
	return true
}

func (k *Keyring) manifestInfo() []byte {
	return append([]byte(contextManifest), k.bundle.Repository[:]...)
}

// recordData is the associated data of all records but manifests.
func (k *Keyring) recordData(header []byte, name string) []byte {
	return slices.Concat(header, k.bundle.Repository[:], []byte(name))
}
