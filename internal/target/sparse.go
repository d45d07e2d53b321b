package target

import "bytes"

// holeSize is the least run of zeros that becomes a hole, and what holes are
// aligned to: bytes.
const holeSize = 4096

var zeros [64 << 10]byte

// writeRuns divides content that belongs at off into what must be written and
// aligned runs of zeros, and hands each on as one piece.
func writeRuns(content []byte, off int64, write func(p []byte, off int64) error, hole func(off, n int64) error) error {
	flush := func(from, to int, zero bool) error {
		switch {
		case from == to:
			return nil
		case zero:
			return hole(off+int64(from), int64(to-from))
		}
		return write(content[from:to], off+int64(from))
	}
	from, zero := 0, false
	for at := 0; at < len(content); {
		next := min(at+holeSize-int((off+int64(at))%holeSize), len(content))
		now := next-at == holeSize && bytes.Equal(content[at:next], zeros[:holeSize])
		if now != zero {
			if err := flush(from, at, zero); err != nil {
				return err
			}
			from, zero = at, now
		}
		at = next
	}
	return flush(from, len(content), zero)
}
