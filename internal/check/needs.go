package check

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"sync"

	"firn/internal/extsort"
	"firn/internal/format"
)

// need is a chunk that snapshots need.
type need struct {
	id     format.ShortID
	length uint32
	first  uint32 // number of the first snapshot that needs it
}

// defaultRun is the number of needs sorted in memory before they go to a file.
const defaultRun = 1 << 20

func compareIDs(a, b format.ShortID) int { return bytes.Compare(a[:], b[:]) }

// needRecords says that a chunk is needed once, for the first snapshot that needs it.
var needRecords = extsort.Records[need]{
	What: "needed chunks",
	Compare: func(a, b need) int {
		return cmp.Or(compareIDs(a.id, b.id), cmp.Compare(a.first, b.first))
	},
	Same: func(a, b need) bool { return a.id == b.id },
	Size: len(format.ShortID{}) + 8,
	Append: func(dst []byte, n need) []byte {
		dst = binary.LittleEndian.AppendUint32(append(dst, n.id[:]...), n.length)
		return binary.LittleEndian.AppendUint32(dst, n.first)
	},
	Parse: func(b []byte) need {
		const idSize = len(format.ShortID{})
		return need{format.ShortID(b), binary.LittleEndian.Uint32(b[idSize:]), binary.LittleEndian.Uint32(b[idSize+4:])}
	},
}

// needs gathers needed chunks in bounded memory and yields them sorted, each
// once, for the first snapshot that needs it.
type needs struct {
	mu     sync.Mutex // guards all below
	sorter *extsort.Sorter[need]
	failed error // the first failure to take one in
}

func newNeeds(run int) *needs { return &needs{sorter: extsort.New(needRecords, run)} }

// add takes a chunk in. A failure shows when the needs are walked.
func (n *needs) add(id format.ID, length, first uint32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failed == nil {
		n.failed = n.sorter.Add(need{id.Short(), length, first})
	}
}

// close removes the temporary files.
func (n *needs) close() error { return n.sorter.Close() }

// walk returns a cursor over all needs. Nothing may be added meanwhile, and
// only one cursor be in use.
func (n *needs) walk() (*needCursor, error) {
	if n.failed != nil {
		return nil, n.failed
	}
	w, err := n.sorter.Walk()
	if err != nil {
		return nil, err
	}
	c := &needCursor{walk: w}
	c.advance()
	return c, nil
}

// needCursor stands on a need until there is none left.
type needCursor struct {
	walk  *extsort.Walk[need]
	at    need
	live  bool   // at is valid
	count uint64 // of needs stood on so far
}

// advance goes on to the next chunk.
func (c *needCursor) advance() {
	if c.at, c.live = c.walk.Next(); c.live {
		c.count++
	}
}

// err returns why the cursor stopped early, or nil.
func (c *needCursor) err() error { return c.walk.Err() }
