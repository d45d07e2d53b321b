package backup

import "sync/atomic"

// Progress counts what a backup does; it may be read at any time.
type Progress struct {
	Entries    atomic.Uint64 // walked
	Files      atomic.Uint64
	Bytes      atomic.Uint64 // of files walked
	Unmodified atomic.Uint64 // files taken over from the parent
	Done       atomic.Uint64 // bytes of files dealt with
	Read       atomic.Uint64 // bytes read
	Problems   atomic.Uint64
	Walked     atomic.Bool // the walk is over, so Bytes is the total

	// Current is the path of the file taken up last.
	Current atomic.Pointer[string]
	// OnProblem, when set, is called for every problem as it comes, by one
	// goroutine at a time.
	OnProblem func(path, reason string)
}
