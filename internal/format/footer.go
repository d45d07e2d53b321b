package format

func (s *Section) fields(w *wire) {
	w.uint32(1, &s.Offset)
	w.uint32(2, &s.Epoch)
	w.array(3, s.Host[:])
}

func (r *BaseRef) fields(w *wire) {
	w.array(1, r.Pack[:])
	w.uint32(2, &r.Offset)
	w.uint32(3, &r.Length)
}

func (b *Block) fields(w *wire)      { b.fieldsWith(w, IDSize) }
func (b *Block) shortFields(w *wire) { b.fieldsWith(w, len(ShortID{})) }

func (b *Block) fieldsWith(w *wire, idWidth int) {
	w.uint32(1, &b.Section)
	w.uint32(2, &b.Number)
	w.uint32(3, &b.Offset)
	w.uint32(4, &b.Length)
	w.uint32(5, &b.Codec)
	w.ids(6, &b.IDs, idWidth)
	w.uint32s(7, &b.Lengths)
	messages(w, 8, &b.Bases, (*BaseRef).fields)
	w.uint32(9, &b.Purpose)

	w.check(len(b.IDs) > 0 && len(b.IDs) == len(b.Lengths), "a block's chunks and their lengths do not go together")
	w.check(validLengths(b.Lengths), "a block's chunks are empty or too large")
	w.check((len(b.Bases) > 0) == (b.Codec == CodecDelta) && len(b.Bases) <= MaxBases, "a block's codec and bases do not go together")
}

// validLengths reports whether chunks of these lengths fit a block.
func validLengths(lengths []uint32) bool {
	var sum uint64
	for _, n := range lengths {
		if n == 0 || n > MaxChunk {
			return false
		}
		sum += uint64(n)
	}
	return sum <= MaxContent
}

// checkBlocks checks what holds between the sections and blocks of a pack.
func checkBlocks(w *wire, sections []Section, blocks []Block) {
	if w.encoding {
		return
	}
	var free uint64
	for i := range blocks {
		b := &blocks[i]
		w.check(uint64(b.Section) < uint64(len(sections)), "a block is in no section")
		w.check(uint64(b.Offset) >= free, "blocks overlap or do not ascend")
		free = uint64(b.Offset) + uint64(b.Length)
	}
	w.check(free <= MaxPack, "a block ends behind the largest pack")
}

func (f *Footer) fields(w *wire) {
	messages(w, 1, &f.Sections, (*Section).fields)
	messages(w, 2, &f.Blocks, (*Block).fields)
	w.array(3, f.Digest[:])
	message(w, 4, &f.Signer, (*Certificate).fields)
	w.sized(5, &f.Signature, signatureSize)
	checkBlocks(w, f.Sections, f.Blocks)
}

// Append appends the footer's encoding to dst.
func (f *Footer) Append(dst []byte) []byte { return encode(dst, f, (*Footer).fields) }

// AppendSigned appends the encoding of the fields under the signature.
func (f *Footer) AppendSigned(dst []byte) []byte {
	signed := *f
	signed.Signer, signed.Signature = Certificate{}, nil
	return signed.Append(dst)
}

// Decode sets the footer from its encoding.
func (f *Footer) Decode(b []byte) error { return decode("footer", b, f, (*Footer).fields) }

func (m *Mirror) fields(w *wire) {
	w.array(1, m.Pack[:])
	w.uint64(2, &m.Size)
	messages(w, 3, &m.Sections, (*Section).fields)
	messages(w, 4, &m.Blocks, (*Block).shortFields)
	checkBlocks(w, m.Sections, m.Blocks)
}

// Append appends the mirror's encoding to dst, with the first 16 bytes of each
// chunk ID.
func (m *Mirror) Append(dst []byte) []byte { return encode(dst, m, (*Mirror).fields) }

// Decode sets the mirror from its encoding; the last 16 bytes of each chunk ID
// are zero.
func (m *Mirror) Decode(b []byte) error { return decode("mirror", b, m, (*Mirror).fields) }
