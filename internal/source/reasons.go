package source

import "sync/atomic"

// A Reason says why something was left out.
type Reason uint8

// The reasons.
const (
	ByPattern       Reason = iota // an exclude pattern or a line of an ignore file
	ByPreset                      // a line of the preset
	ByCacheTag                    // in a directory with a valid CACHEDIR.TAG
	BySize                        // larger than the limit
	ByFileSystem                  // on another file system than its root
	ByPseudo                      // what is mounted is a pseudo file system
	ByOwn                         // Firn's own: its cache, the repository
	numberOfReasons = int(ByOwn) + 1
)

func (r Reason) String() string {
	return [numberOfReasons]string{
		"excluded by pattern", "excluded by preset", "in a cache directory", "larger than the limit",
		"on another file system", "on a pseudo file system", "Firn's own",
	}[r]
}

// LeftOut is how many entries were left out for one reason. A directory counts
// once, whatever it holds.
type LeftOut struct {
	Reason Reason
	Count  uint64
}

// tally counts what is left out; safe for concurrent use.
type tally [numberOfReasons]atomic.Uint64

// LeftOut returns what the last walk left out so far, reasons with nothing omitted.
func (f *Files) LeftOut() []LeftOut {
	var all []LeftOut
	for reason := range Reason(numberOfReasons) {
		if n := f.left[reason].Load(); n > 0 {
			all = append(all, LeftOut{Reason: reason, Count: n})
		}
	}
	return all
}

// leaveOut counts something left out.
func (f *Files) leaveOut(path string, reason Reason) {
	f.left[reason].Add(1)
	if f.opts.Report != nil {
		f.opts.Report(path, reason)
	}
}
