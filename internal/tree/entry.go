package tree

import (
	"bytes"
	"fmt"
	"math/bits"

	"firn/internal/format"
)

// sumsOf returns what one entry adds to the sums: files are what has content,
// which is files, S3 objects and streams.
func sumsOf(e *format.Entry) format.Sums {
	s := format.Sums{Entries: 1, Bytes: e.Size}
	switch e.Type {
	case format.TypeFile, format.TypeS3Object, format.TypeStream:
		s.Files = 1
	}
	return s
}

// addSums adds up; it reports false when a total does not fit 64 bits.
func addSums(a, b format.Sums) (format.Sums, bool) {
	entries, c1 := bits.Add64(a.Entries, b.Entries, 0)
	files, c2 := bits.Add64(a.Files, b.Files, 0)
	size, c3 := bits.Add64(a.Bytes, b.Bytes, 0)
	return format.Sums{Entries: entries, Files: files, Bytes: size}, c1|c2|c3 == 0
}

// checkItem returns an error unless key and entry are valid, each by itself and
// together: directories end with a slash, and of the others S3 objects may.
func checkItem(key []byte, e *format.Entry) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	directory := key[len(key)-1] == '/'
	switch {
	case e.Type == 0:
		return fmt.Errorf("%w: %q has no type", ErrEntry, key)
	case (e.Type == format.TypeDirectory) != directory && e.Type != format.TypeS3Object:
		return fmt.Errorf("%w: %q is of type %d", ErrEntry, key, e.Type)
	case len(e.Content) > format.InlinePieces:
		return fmt.Errorf("%w: %q has %d inline pieces", ErrEntry, key, len(e.Content))
	case len(e.Content) > 0 && e.Spilled != nil:
		return fmt.Errorf("%w: %q has inline and spilled content", ErrEntry, key)
	}
	return nil
}

// checkReferences returns an error unless what the entry refers to can be read
// back: pieces of its content, which are as long as it says, and sequences.
func checkReferences(e *format.Entry) error {
	if err := checkContent(e); err != nil {
		return err
	}
	if !validSpill(e.Spilled) {
		return fmt.Errorf("%w: content is spilled to %+v", ErrEntry, *e.Spilled)
	}
	for _, list := range [...][]format.Attribute{e.Attributes, e.Properties} {
		for i := range list {
			a := &list[i]
			switch {
			case !validSpill(a.Spilled) || a.Spilled != nil && len(a.Value) > 0:
				return fmt.Errorf("%w: attribute %q is spilled to %+v", ErrEntry, a.Name, *a.Spilled)
			case len(a.Value) > attributeMax:
				return fmt.Errorf("%w: attribute %q has %d bytes", ErrEntry, a.Name, len(a.Value))
			}
		}
	}
	return nil
}

// checkContent returns an error matching ErrPiece unless the pieces that the
// entry holds itself have possible lengths, which add up to its size. What could
// not be read has no content and the size it would have had.
func checkContent(e *format.Entry) error {
	if e.Spilled != nil || len(e.Content) == 0 && e.Flags&format.FlagUnreadable != 0 {
		return nil
	}
	var total uint64
	for i := range e.Content {
		p := &e.Content[i]
		sum, carry := bits.Add64(total, p.Length, 0)
		if carry != 0 || !validPiece(p) {
			return fmt.Errorf("%w: %d bytes at %d", ErrPiece, p.Length, total)
		}
		total = sum
	}
	if total != e.Size {
		return fmt.Errorf("%w: they have %d bytes, the content %d", ErrPiece, total, e.Size)
	}
	return nil
}

// validPiece reports whether a piece's length is possible.
func validPiece(p *format.Piece) bool {
	return p.Length > 0 && (p.Length <= format.MaxChunk || p.Hole && p.Length < 1<<63)
}

// validSpill reports whether a sequence's root is possible, or there is none.
func validSpill(s *format.Spill) bool {
	return s == nil || s.Length > 0 && s.Length <= format.MaxChunk && s.Level < format.MaxTreeDepth
}

// cloneEntry returns a deep copy.
func cloneEntry(e *format.Entry) *format.Entry {
	c := new(format.Entry)
	copyEntry(c, e)
	return c
}

// copyEntry makes dst a deep copy of src in the memory dst has already.
func copyEntry(dst, src *format.Entry) {
	target, attributes, content, properties := dst.Target, dst.Attributes, dst.Content, dst.Properties
	*dst = *src
	dst.Target = append(target[:0], src.Target...)
	dst.Content = append(content[:0], src.Content...)
	dst.Spilled = copySpill(src.Spilled)
	dst.Attributes = copyAttributes(attributes, src.Attributes)
	dst.Properties = copyAttributes(properties, src.Properties)
}

func copyAttributes(dst, src []format.Attribute) []format.Attribute {
	dst = dst[:0]
	for _, a := range src {
		dst = append(dst, format.Attribute{Name: bytes.Clone(a.Name), Value: bytes.Clone(a.Value), Spilled: copySpill(a.Spilled)})
	}
	return dst
}

func copySpill(s *format.Spill) *format.Spill {
	if s == nil {
		return nil
	}
	c := *s
	return &c
}
