package object

import (
	"context"
	"errors"
	"iter"
	"strings"
)

// BrowseOptions say how much Browse shows.
type BrowseOptions struct {
	Recursive bool // all below the prefix instead of folders
	Versions  bool // older versions and deletions too
}

// Found is something that is there, whoever wrote it.
type Found struct {
	Info
	Folder  bool // Name ends in "/" and stands for everything that begins so
	Deleted bool // a deletion, by which older versions are hidden
	Old     bool // a version that is not the latest
}

// Browser is a store that knows more of what is in it than List tells: names
// that are none of Firn's, folders, versions.
type Browser interface {
	// Browse is the function Browse for this store.
	Browse(ctx context.Context, prefix string, opts BrowseOptions) iter.Seq2[Found, error]
}

// Browse yields what is in a store under names that begin with prefix, as it
// comes. Without opts.Recursive, names with a "/" behind the prefix are shown
// as the folder they are in, once. Versions of a name come one after the other,
// the latest first. A store that keeps no versions answers ErrUnsupported when
// asked for them. After an error nothing more is yielded.
func Browse(ctx context.Context, s Store, prefix string, opts BrowseOptions) iter.Seq2[Found, error] {
	if b, ok := s.(Browser); ok {
		return b.Browse(ctx, prefix, opts)
	}
	return func(yield func(Found, error) bool) {
		if opts.Versions {
			yield(Found{}, fail("list versions", prefix, errors.Join(ErrUnsupported, errNoVersions)))
			return
		}
		shown := map[string]bool{} // folders
		for info, err := range s.List(ctx, prefix) {
			if err != nil {
				yield(Found{}, err)
				return
			}
			found := Found{Info: info}
			if slash := strings.IndexByte(info.Name[len(prefix):], '/'); slash >= 0 && !opts.Recursive {
				found = Found{Info: Info{Name: info.Name[:len(prefix)+slash+1]}, Folder: true}
				if shown[found.Name] {
					continue
				}
				shown[found.Name] = true
			}
			if !yield(found, nil) {
				return
			}
		}
	}
}

var errNoVersions = errors.New("this kind of drive keeps no versions")
