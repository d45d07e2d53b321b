package prune

import (
	"bytes"

	"firn/internal/extsort"
	"firn/internal/format"
)

// runLength is the number of IDs sorted in memory before they go to a file.
const runLength = 1 << 21

func compareShort(a, b format.ShortID) int { return bytes.Compare(a[:], b[:]) }

// liveSet gathers chunk IDs in bounded memory and yields them sorted, each once.
type liveSet = extsort.Sorter[format.ShortID]

func newLiveSet() *liveSet {
	return extsort.New(extsort.Records[format.ShortID]{
		What:    "live chunks",
		Compare: compareShort,
		Same:    func(a, b format.ShortID) bool { return a == b },
		Size:    len(format.ShortID{}),
		Append:  func(dst []byte, id format.ShortID) []byte { return append(dst, id[:]...) },
		Parse:   func(b []byte) format.ShortID { return format.ShortID(b) },
	}, runLength)
}
