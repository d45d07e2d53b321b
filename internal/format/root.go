package format

import "cmp"

const (
	keySize       = 32 // of Ed25519 keys and seeds, and of all symmetric keys
	saltSize      = 32
	signatureSize = 64
)

func (c *Certificate) fields(w *wire) {
	w.sized(1, &c.PublicKey, keySize)
	w.uint32(2, (*uint32)(&c.Role))
	w.uint32(3, &c.Epoch)
	w.sized(4, &c.Signature, signatureSize)
}

// Append appends the certificate's encoding to dst.
func (c *Certificate) Append(dst []byte) []byte { return encode(dst, c, (*Certificate).fields) }

// AppendSigned appends the encoding of the fields under the signature.
func (c *Certificate) AppendSigned(dst []byte) []byte {
	signed := *c
	signed.Signature = nil
	return signed.Append(dst)
}

// Decode sets the certificate from its encoding.
func (c *Certificate) Decode(b []byte) error {
	return decode("certificate", b, c, (*Certificate).fields)
}

func (e *Epoch) fields(w *wire) {
	w.uint32(1, &e.Number)
	w.bytes(2, &e.DataKey)
	w.bytes(3, &e.MetadataKey)
}

func (r *Renewal) fields(w *wire) {
	w.array(1, r.Host[:])
	w.sized(2, &r.Salt, saltSize)
	w.bytes(3, &r.Sealed)
}

func (r *Root) fields(w *wire) {
	w.uint32(1, &r.Number)
	w.sized(2, &r.OwnerKey, keySize)
	w.int64(3, &r.Created)
	w.strings(4, &r.Features)
	messages(w, 5, &r.Epochs, (*Epoch).fields)
	w.uint32(6, &r.DedupEpoch)
	w.uint32(7, &r.ChunkMin)
	w.uint32(8, &r.ChunkMean)
	w.uint32(9, &r.ChunkMax)
	w.uint32(10, &r.PageMin)
	w.uint32(11, &r.PageMean)
	w.uint32(12, &r.PageMax)
	w.string(13, &r.Program)
	w.byteStrings(14, &r.Revoked)
	w.sized(15, &r.Signature, signatureSize)
	messages(w, 16, &r.Renewals, (*Renewal).fields)
	w.idSet(17, &r.Vouched)

	w.check(strictly(r.Epochs, func(a, b Epoch) int { return cmp.Compare(a.Number, b.Number) }),
		"epochs do not ascend")
	for _, key := range r.Revoked {
		w.check(len(key) == keySize, "a revoked key has the wrong length")
	}
}

// Append appends the root's encoding, without a header, to dst.
func (r *Root) Append(dst []byte) []byte { return encode(dst, r, (*Root).fields) }

// AppendSigned appends the encoding of the fields under the signature.
func (r *Root) AppendSigned(dst []byte) []byte {
	signed := *r
	signed.Signature = nil
	return signed.Append(dst)
}

// Decode sets the root from its encoding without a header.
func (r *Root) Decode(b []byte) error { return decode("root", b, r, (*Root).fields) }
