package target

import "fmt"

// OverwriteMode says what becomes of things that exist where an entry goes.
type OverwriteMode int

const (
	// OverwriteAlways replaces everything that exists.
	OverwriteAlways OverwriteMode = iota
	// OverwriteIfChanged keeps files of the entry's size and mtime, and links
	// and devices that are equal; it replaces the rest.
	OverwriteIfChanged
	// OverwriteIfNewer replaces what has an older mtime than the entry.
	OverwriteIfNewer
	// OverwriteNever keeps everything that exists.
	OverwriteNever
)

var overwriteNames = [...]string{"always", "if-changed", "if-newer", "never"}

// String returns the mode's name as ParseOverwrite takes it.
func (m OverwriteMode) String() string {
	if m < 0 || int(m) >= len(overwriteNames) {
		return fmt.Sprintf("OverwriteMode(%d)", int(m))
	}
	return overwriteNames[m]
}

// ParseOverwrite reads "always", "if-changed", "if-newer" or "never".
func ParseOverwrite(name string) (OverwriteMode, error) {
	for i, known := range overwriteNames {
		if name == known {
			return OverwriteMode(i), nil
		}
	}
	return 0, fmt.Errorf("unknown overwrite mode %q: always, if-changed, if-newer or never", name)
}

// DiskOptions are the choices of a restore to disk.
type DiskOptions struct {
	Overwrite OverwriteMode
	// Sparse leaves holes where 4 KiB or more of zeros would be written, also
	// in files that were not sparse at the source.
	Sparse bool
	// Owner restores user and group, which needs privileges (so the usual
	// value is os.Geteuid() == 0). Without it setuid and setgid bits of files
	// and file capabilities are dropped.
	Owner bool
	// NumericOwner restores user and group by number even if the names exist
	// here with other numbers.
	NumericOwner bool
	// Xattrs restores extended attributes and POSIX ACLs.
	Xattrs bool
	// Sync makes Finish return only when everything is on stable storage.
	Sync bool
	// DeleteExtra makes Finish delete what is in the target's directories and
	// was not named by Prepare, except where Extra says otherwise.
	DeleteExtra bool
	// Extra is asked for each thing about to be deleted (directories have '/'
	// at their end); false keeps it. Whoever restores a part of a snapshot, or
	// to "/", must set it: directories above a source hold more than the
	// source. nil deletes all.
	Extra func(key []byte) bool
	// DryRun makes Prepare decide only; nothing is created or changed.
	DryRun bool
	// Report is told of failures of metadata and of deletions. It may be
	// called concurrently. nil ignores them.
	Report func(Event)
}
