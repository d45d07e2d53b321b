package delta

import "firn/internal/chunk"

// Feature stands for a few dozen bytes of content. The same stretch of content
// has the same features wherever it stands; a change takes away those it touches.
type Feature uint32

// Bounds on the distance between features, in bytes. There are about 50 to a
// mebibyte.
const (
	featureMin  = 8 << 10
	featureMean = 16 << 10
	featureMax  = 64 << 10
)

// Sketcher takes features of content. It is immutable and safe for concurrent use.
type Sketcher struct{ cutter *chunk.Cutter }

// NewSketcher makes a sketcher. Only features by the same gear table can be compared.
func NewSketcher(gear *[256]uint64) *Sketcher {
	return &Sketcher{chunk.New(gear, chunk.Params{Min: featureMin, Mean: featureMean, Max: featureMax})}
}

// Append appends the features of content to dst. They are hashes of what
// stands before the marks at which the content would be cut into small chunks:
// these depend on what is around them only, not on where the content begins.
// Content of at most 8 KiB has none.
func (s *Sketcher) Append(dst []Feature, content []byte) []Feature {
	var last Feature
	for end := 0; ; {
		n := s.cutter.Cut(content[end:], true)
		end += n
		if end == len(content) {
			return dst
		}
		if n == featureMax {
			continue // no mark, so this place says nothing
		}
		h := hash(word(content, end-24), word(content, end-16), word(content, end-8))
		if f := Feature(h >> 32); f != last {
			dst, last = append(dst, f), f
		}
	}
}
