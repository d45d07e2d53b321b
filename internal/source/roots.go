package source

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"firn/internal/format"
)

// A stop is a directory on the way to a root, or a root. Stops form a tree
// whose top is the base. What is a stop is never left out.
type stop struct {
	name     string
	root     bool
	follow   bool // a symbolic link here stands for the directory it points to
	kind     uint32
	children []*stop // ascending by name
}

// child finds the stop of a name; s may be nil.
func (s *stop) child(name string) *stop {
	if s == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(s.children, name, func(c *stop, name string) int {
		return strings.Compare(c.name, name)
	})
	if !found {
		return nil
	}
	return s.children[i]
}

// grow returns the child of a name and makes it if need be.
func (s *stop) grow(name string) *stop {
	if c := s.child(name); c != nil {
		return c
	}
	c := &stop{name: name}
	i, _ := slices.BinarySearchFunc(s.children, name, func(c *stop, name string) int {
		return strings.Compare(c.name, name)
	})
	s.children = slices.Insert(s.children, i, c)
	return c
}

// plan makes the tree of stops for roots as the user wrote them.
func plan(roots []string, warn func(path, message string)) (*stop, error) {
	if len(roots) == 0 {
		return nil, errors.New("read sources: none is named")
	}
	base := &stop{kind: format.TypeDirectory}
	ways := make([][]string, len(roots))
	for i, root := range roots {
		path, follow, err := absolute(root)
		if err != nil {
			return nil, fmt.Errorf("read source %s: %w", root, err)
		}
		if ways[i], err = splitRoot(path); err != nil {
			return nil, fmt.Errorf("read source %s: %w", root, err)
		}
		end := base
		for _, name := range ways[i] {
			end = end.grow(name)
		}
		end.root, end.follow = true, end.follow || follow
	}
	for i, root := range roots {
		if err := survey(base, ways[i], warn); err != nil {
			return nil, fmt.Errorf("read source %s: %w", root, err)
		}
	}
	return base, nil
}

// survey looks at every directory on the way to a root, and at the root. Links
// on the way are followed, as every program does that is given the path; a link
// that is itself the root is kept as a link, unless "/" stands behind it.
func survey(base *stop, way []string, warn func(path, message string)) error {
	at, err := openSearch(noHandle, rootPath, true)
	if err != nil {
		return err
	}
	defer func() { at.close() }()
	s := base
	for i, name := range way {
		s = s.child(name)
		s.follow = s.follow || len(s.children) > 0
		var seen stat
		if err := at.lstat(name, s.follow, &seen); err != nil {
			return fmt.Errorf("look at %s: %w", joinPath(way[:i+1]), err)
		}
		s.kind = seen.kind
		if s.follow && s.kind != format.TypeDirectory {
			return fmt.Errorf("look at %s: %w", joinPath(way[:i+1]), syscall.ENOTDIR)
		}
		if i == len(way)-1 {
			warnLink(at, s, &seen, joinPath(way), warn)
			return nil
		}
		next, err := openSearch(at, name, true)
		if err != nil {
			return fmt.Errorf("open %s: %w", joinPath(way[:i+1]), err)
		}
		at.close()
		at = next
	}
	return nil
}

// warnLink says what becomes of a root that is a symbolic link.
func warnLink(at handle, s *stop, seen *stat, path string, warn func(path, message string)) {
	if seen.kind != format.TypeSymlink {
		return
	}
	var target stat
	err := at.lstat(s.name, true, &target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		warn(path, "is a symbolic link that leads nowhere; the link is kept")
	case err == nil && target.kind == format.TypeDirectory:
		warn(path, `is a symbolic link, of which only the link is kept; write "/" behind it for the directory it points to`)
	default:
		warn(path, "is a symbolic link, of which only the link is kept")
	}
}

func joinPath(names []string) string {
	return paths([]byte("/" + strings.Join(names, "/")))[pathOffset:]
}

// listed is one name of a directory listing.
type listed struct {
	name string
	kind uint32 // an entry type; 0 when unknown
	// passing: it would be left out, but there is a root below it.
	passing bool
}

// compareListed orders names as keys: with "/" behind those of directories.
func compareListed(a, b listed) int {
	n := min(len(a.name), len(b.name))
	if c := strings.Compare(a.name[:n], b.name[:n]); c != 0 {
		return c
	}
	return a.after(n) - b.after(n)
}

// after returns the byte of the key at n, which is at most the name's length; -1 behind the end.
func (l *listed) after(n int) int {
	if n < len(l.name) {
		return int(l.name[n])
	}
	if l.kind == format.TypeDirectory {
		return '/'
	}
	return -1
}
