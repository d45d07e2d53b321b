package source

import (
	"errors"
	"fmt"

	"firn/internal/format"
)

// A folder is a directory being walked. Whoever runs it owns it until it is
// done, then the loop does.
type folder struct {
	once
	item *Item // of the directory; the folder adds what went wrong
	dir  *dir

	parts []*part // not yet handed out
	now   *part   // being handed out
	at    int     // next item of it
}

func newFolder(d *dir, item *Item) *folder {
	return &folder{once: once{done: make(chan struct{})}, item: item, dir: d, now: new(part)}
}

func (n *folder) key() []byte { return n.item.Key }
func (n *folder) lists() bool { return true }

// run lists the folder and looks at the first part of it.
func (n *folder) run(w *walk) {
	defer close(n.done)
	if w.ctx.Err() != nil {
		return
	}
	f, d := w.files, n.dir
	at, now, err := f.enter(d, n.item.Entry.UID)
	if err != nil && d.whole && d.stop != nil {
		n.fail(err)
		d.whole = false // the roots below may be within reach all the same
		at, now, err = f.enter(d, noOwner)
	}
	if err != nil {
		n.fail(err)
		return
	}
	defer f.handles.release(d)
	if d.parent != nil && now.identity != n.item.identity && !n.renew(f, now) {
		return
	}
	names, err := f.names(d, at)
	if err != nil {
		n.fail(err)
	}
	if len(names) == 0 {
		return
	}
	n.split(names)
	first := n.parts[0]
	first.claim()
	var reach []job
	for _, p := range n.parts[1:min(len(n.parts), partsAhead)] {
		reach = append(reach, p)
	}
	w.offer(reach, 0, len(names))
	first.run(w)
}

// fail notes that the directory could not be read as it should.
func (n *folder) fail(err error) {
	n.item.Err = errors.Join(n.item.Err, err)
	n.item.Entry.Flags |= format.FlagUnreadable
}

// renew takes over the metadata of a directory that is another one now than
// when it was looked at: opening it mounted something, or it was replaced. It
// reports whether that is to be read.
func (n *folder) renew(f *Files, now *stat) bool {
	moved := now.identity.device != n.item.identity.device
	n.item.identity = now.identity
	now.fill(n.item.Entry, f.owners)
	if moved && f.opts.OneFileSystem && n.dir.root != n.dir {
		f.leaveOut(n.dir.path, ByFileSystem)
		return false
	}
	return true
}

// split divides names into parts.
func (n *folder) split(names []listed) {
	n.parts = make([]*part, 0, (len(names)+partSize-1)/partSize)
	for len(names) > 0 {
		size := min(partSize, len(names))
		p := &part{once: once{done: make(chan struct{})}, dir: n.dir, names: names[:size:size]}
		if len(n.parts) > 0 { // the first one is never queued
			p.first = []byte(n.dir.key + names[0].name)
		}
		n.parts = append(n.parts, p)
		names = names[size:]
	}
}

// A part is some consecutive names of a folder. Whoever runs it owns it until
// it is done, then the loop does.
type part struct {
	once
	dir     *dir
	first   []byte // key of the first name
	names   []listed
	items   []Item
	folders []*folder // those of items that are read, in order
}

func (p *part) key() []byte { return p.first }
func (p *part) lists() bool { return false }

// run looks at each name.
func (p *part) run(w *walk) {
	defer close(p.done)
	if w.ctx.Err() != nil {
		return
	}
	f := w.files
	at, err := f.handles.acquire(p.dir)
	if err == nil {
		defer f.handles.release(p.dir)
	}
	keys := p.keys()
	text := paths(keys)
	reader := attributeReaders.Get().(*attributeReader)
	defer attributeReaders.Put(reader)
	reader.without = &f.without
	x := examiner{files: f, part: p, at: at, attributes: reader}
	entries := make([]format.Entry, len(p.names))
	p.items = make([]Item, 0, len(p.names))
	begin := 0
	for i := range p.names {
		l := &p.names[i]
		pathEnd := begin + 1 + len(p.dir.key) + len(l.name)
		keyEnd := pathEnd
		if l.kind == format.TypeDirectory {
			keyEnd++
		}
		item := Item{Key: keys[begin+1 : keyEnd : keyEnd], Path: text[begin+pathOffset : pathEnd], dir: p.dir}
		switch {
		case err != nil:
			item.Err = err
			p.items = append(p.items, item)
		case len(item.Key) > maxKey:
			item.Err = fmt.Errorf("read metadata: %w", ErrLong)
			p.items = append(p.items, item)
		default:
			x.look(l, item, &entries[i])
		}
		begin = keyEnd
	}
	jobs := make([]job, len(p.folders))
	for i, n := range p.folders {
		jobs[i] = n
	}
	w.offer(jobs, len(p.items), 0)
}

// keys returns the keys of all names, each with "/" before it, in one piece.
func (p *part) keys() []byte {
	size := 0
	for i := range p.names {
		size += 1 + len(p.dir.key) + len(p.names[i].name) + 1
	}
	keys := make([]byte, 0, size)
	for i := range p.names {
		keys = append(keys, '/')
		keys = append(keys, p.dir.key...)
		keys = append(keys, p.names[i].name...)
		if p.names[i].kind == format.TypeDirectory {
			keys = append(keys, '/')
		}
	}
	return keys
}
