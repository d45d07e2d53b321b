package source

import (
	"context"
	"fmt"
	"iter"

	"firn/internal/format"
)

// Walk returns every entry of the files in ascending byte order of keys. It
// reads ahead by some ten thousand entries in other goroutines, all of which
// have ended when the loop ends. A second value that is not nil ends the walk:
// ctx is done, or the top of the file system cannot be read.
//
// The directory at the very top has no entry: its key would be empty.
func (f *Files) Walk(ctx context.Context) iter.Seq2[*Item, error] {
	return func(yield func(*Item, error) bool) {
		for i := range f.left {
			f.left[i].Store(0)
		}
		w := newWalk(ctx, f)
		defer w.stop()
		if err := w.emit(yield); err != nil {
			yield(nil, err)
		}
	}
}

// base returns the folder above all roots.
func (w *walk) base() *folder {
	f := w.files
	d := &dir{path: rootPath, stop: f.base, whole: f.base.root}
	if d.whole {
		d.root = d
	}
	if len(f.preset.patterns) > 0 {
		d.scope = &scope{rules: f.preset, reason: ByPreset}
	}
	return newFolder(d, &Item{Path: rootPath, Entry: new(format.Entry)})
}

// emit yields the items in order. A non-nil error has not been yielded.
func (w *walk) emit(yield func(*Item, error) bool) error {
	base := w.base()
	w.finish(base)
	if base.item.Err != nil {
		return fmt.Errorf("read %s: %w", base.item.Path, base.item.Err)
	}
	for way := []*folder{base}; len(way) > 0; {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		top := way[len(way)-1]
		item := top.next(w)
		if item == nil {
			way[len(way)-1] = nil
			way = way[:len(way)-1]
			continue
		}
		inside := top.inside(item)
		if inside != nil {
			w.finish(inside)
			way = append(way, inside)
		}
		if w.ctx.Err() == nil && !yield(item, nil) {
			return nil
		}
	}
	return nil
}

// next returns the next item in the folder itself, nil at its end.
func (n *folder) next(w *walk) *Item {
	for n.at == len(n.now.items) {
		if len(n.parts) == 0 {
			return nil
		}
		n.now, n.at = n.parts[0], 0
		n.parts[0] = nil // the slice holds on to what is before its beginning
		n.parts = n.parts[1:]
		w.finish(n.now)
		w.begin(n)
	}
	n.at++
	return &n.now.items[n.at-1]
}

// inside returns the folder that item, just returned by next, stands for; nil if there is none.
func (n *folder) inside(item *Item) *folder {
	if len(n.now.folders) == 0 || n.now.folders[0].item != item {
		return nil
	}
	first := n.now.folders[0]
	n.now.folders[0] = nil // the slice holds on to it, and it to all below it
	n.now.folders = n.now.folders[1:]
	return first
}
