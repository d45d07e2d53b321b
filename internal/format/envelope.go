package format

func (e *Envelope) fields(w *wire) {
	w.array(1, e.Repository[:])
	w.string(2, &e.Name)
	message(w, 3, &e.Signer, (*Certificate).fields)
	w.bytes(4, &e.Encapsulation)
	w.sized(5, &e.Salt, saltSize)
	w.bytes(6, &e.Sealed)
	w.sized(7, &e.Signature, signatureSize)

	w.check((len(e.Encapsulation) > 0) != (len(e.Salt) > 0), "an envelope has not exactly one of encapsulation and salt")
}

// Append appends the envelope's encoding, without a header, to dst.
func (e *Envelope) Append(dst []byte) []byte { return encode(dst, e, (*Envelope).fields) }

// AppendSigned appends the encoding of the fields under the signature.
func (e *Envelope) AppendSigned(dst []byte) []byte {
	signed := *e
	signed.Signature = nil
	return signed.Append(dst)
}

// Decode sets the envelope from its encoding without a header.
func (e *Envelope) Decode(b []byte) error { return decode("envelope", b, e, (*Envelope).fields) }
