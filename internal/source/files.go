package source

import (
	"fmt"
	"path/filepath"
	"runtime"

	"firn/internal/format"
)

// FilesOptions say what of the roots is left out, and how they are read. The
// zero value leaves out what pseudo file systems hold and what ignore files name.
type FilesOptions struct {
	// Exclude holds patterns as in gitignore(5), later ones stronger. One with
	// "/" at its beginning counts from the root of the file system, one with "/"
	// elsewhere from the root it is applied in.
	Exclude []string
	// IExclude holds patterns for which upper and lower case are alike. They
	// are stronger than Exclude, which is stronger than ExcludeFiles.
	IExclude []string
	// ExcludeFiles are paths of files of such patterns.
	ExcludeFiles []string
	// NoIgnoreFiles turns off .firnignore files, whose patterns hold in their
	// directory and below it.
	NoIgnoreFiles bool
	// Preset names a list of patterns, the weakest of all; see Presets.
	Preset string
	// ExcludeCaches leaves out what directories with a valid CACHEDIR.TAG hold,
	// but for the tag.
	ExcludeCaches bool
	// ExcludeLargerThan leaves out files of more than so many bytes; 0 is no limit.
	ExcludeLargerThan uint64
	// OneFileSystem stays on the file system of each root. The directory on
	// which another one is mounted is kept, empty.
	OneFileSystem bool
	// KeepPseudo reads pseudo file systems such as /proc as well.
	KeepPseudo bool
	// LeaveOut holds paths that are left out whatever else is said, unless
	// they are roots or hold one: Firn's cache, the repository.
	LeaveOut []string
	// Parallel is how many goroutines read ahead; 0 is chosen by the number of processors.
	Parallel int
	// Warn is told of what deserves attention and is no error. Several
	// goroutines may call it. It may be nil.
	Warn func(path, message string)
	// Report is told of each thing left out. Several goroutines may call it. It may be nil.
	Report func(path string, reason Reason)
}

// Files are the files and directories under some roots. It is safe for concurrent use.
type Files struct {
	opts    FilesOptions
	base    *stop
	rules   *rules // of the options
	preset  *rules
	own     map[identity]struct{} // what LeaveOut names
	ownPath map[string]struct{}
	handles *handles
	owners  *owners
	without deviceSet // devices without extended attributes
	left    tally
}

// NewFiles prepares to read roots. Keys are absolute paths, all directories on
// the way to a root are entries of their own, and roots may lie in each other.
// What is named as a root is kept whatever the options say. A root that does
// not exist is an error that wraps fs.ErrNotExist.
//
// A root that is a symbolic link is kept as that link; with "/" behind it, the
// directory it points to is kept under the link's path. Links on the way to a
// root are followed and kept as directories.
func NewFiles(roots []string, opts FilesOptions) (*Files, error) {
	if opts.Warn == nil {
		opts.Warn = func(string, string) {}
	}
	if opts.Parallel <= 0 {
		opts.Parallel = max(2, runtime.GOMAXPROCS(0))
	}
	f := &Files{opts: opts, handles: newHandles(openLimit()), owners: newOwners()}
	var err error
	if f.rules, err = optionRules(&opts); err != nil {
		return nil, err
	}
	if f.preset, err = presetRules(opts.Preset); err != nil {
		return nil, err
	}
	if err := f.findOwn(); err != nil {
		return nil, err
	}
	if f.base, err = plan(roots, opts.Warn); err != nil {
		return nil, err
	}
	return f, nil
}

// Close closes the directories that are kept open. Items can still be read;
// each then opens its directory anew.
func (f *Files) Close() error {
	f.handles.close()
	return nil
}

// findOwn notes what LeaveOut names: by path, and by identity for those that
// exist, since there may be other ways to them.
func (f *Files) findOwn() error {
	f.own, f.ownPath = make(map[identity]struct{}), make(map[string]struct{})
	for _, path := range f.opts.LeaveOut {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return fmt.Errorf("leave out %s: %w", path, err)
		}
		f.ownPath[absolute] = struct{}{}
		at, err := openSearch(noHandle, absolute, true)
		if err != nil {
			continue // it may come into being later: then the path tells
		}
		var s stat
		if err := at.stat(&s); err == nil && s.identity != (identity{}) {
			f.own[s.identity] = struct{}{}
		}
		at.close()
	}
	return nil
}

// isOwn reports whether an entry is one of those LeaveOut names.
func (f *Files) isOwn(path string, s *stat) bool {
	if len(f.ownPath) == 0 {
		return false
	}
	if _, ok := f.ownPath[path]; ok {
		return true
	}
	if s.kind != format.TypeDirectory {
		return false
	}
	_, ok := f.own[s.identity]
	return ok
}
