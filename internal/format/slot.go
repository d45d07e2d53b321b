package format

func (a *Argon2id) fields(w *wire) {
	w.sized(1, &a.Salt, saltSize)
	w.uint32(2, &a.Time)
	w.uint32(3, &a.MemoryKiB)
	w.uint32(4, &a.Threads)
}

// slotSecret is the message Secret; a Slot holds its only field.
type slotSecret struct{ salt []byte }

func (s *slotSecret) fields(w *wire) { w.sized(1, &s.salt, saltSize) }

func (s *Slot) fields(w *wire) {
	w.array(1, s.ID[:])
	w.uint32(2, (*uint32)(&s.Role))
	w.string(3, &s.Label)
	w.int64(4, &s.Created)
	optional(w, 5, &s.Argon2id, (*Argon2id).fields)
	secret := slotSecret{s.SecretSalt}
	message(w, 6, &secret, (*slotSecret).fields)
	s.SecretSalt = secret.salt
	w.sized(7, &s.Commitment, keySize)
	w.bytes(8, &s.Sealed)

	w.check((s.Argon2id != nil) != (len(s.SecretSalt) > 0), "a slot has not exactly one of passphrase and secret")
}

// Append appends the slot's encoding, without a header, to dst.
func (s *Slot) Append(dst []byte) []byte { return encode(dst, s, (*Slot).fields) }

// AppendSigned appends the encoding of the fields that the sealed bundle
// vouches for, which are all but itself.
func (s *Slot) AppendSigned(dst []byte) []byte {
	signed := *s
	signed.Sealed = nil
	return signed.Append(dst)
}

// Decode sets the slot from its encoding without a header.
func (s *Slot) Decode(b []byte) error { return decode("slot", b, s, (*Slot).fields) }

func (e *EpochKeys) fields(w *wire) {
	w.uint32(1, &e.Number)
	w.sized(2, &e.Dedup, keySize)
	w.sized(3, &e.Index, keySize)
	w.bytes(4, &e.DataSecret)
	w.bytes(5, &e.MetadataSecret)
}

func (b *Bundle) fields(w *wire) {
	w.array(1, b.Repository[:])
	w.uint32(2, (*uint32)(&b.Role))
	w.sized(3, &b.OwnerSeed, keySize)
	messages(w, 4, &b.Epochs, (*EpochKeys).fields)
	w.sized(5, &b.HostSeed, keySize)
	optional(w, 6, &b.Certificate, (*Certificate).fields)
	w.sized(7, &b.Slot, len(Slot{}.ID))
}

// Append appends the bundle's encoding to dst. It is secret.
func (b *Bundle) Append(dst []byte) []byte { return encode(dst, b, (*Bundle).fields) }

// Decode sets the bundle from its encoding.
func (b *Bundle) Decode(p []byte) error { return decode("bundle", p, b, (*Bundle).fields) }
