package repo

import (
	"slices"

	"firn/internal/format"
)

// Fetched returns how many bytes are fetched for blocks of one pack, which it sorts,
// and with how many requests, where nothing of the pack is known yet and all its
// blocks are of one section.
func Fetched(blocks []BlockAt) (bytes uint64, requests int) {
	slices.SortFunc(blocks, compareAt)
	for first := true; len(blocks) > 0; first = false {
		start := blocks[0].Offset
		switch {
		case first && start <= rangeGap:
			start = format.HeaderSize // the first section's header is needed too
		case first: // it is read by itself
			bytes += format.SectionHeaderSize
			requests++
		}
		n := coalesce(start, len(blocks), func(i int) BlockAt { return blocks[i] })
		end := start
		for _, b := range blocks[:n] {
			end = max(end, b.Offset+b.Length)
		}
		bytes += uint64(end - start)
		requests++
		blocks = blocks[n:]
	}
	return bytes, requests
}
