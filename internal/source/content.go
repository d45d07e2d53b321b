package source

import (
	"fmt"
	"io"
	"strings"

	"firn/internal/format"
)

// Content is what a regular file holds, as runs of data and holes. It is read
// up to the size the file had when it was opened. One goroutine uses it at a time.
type Content interface {
	// NextRun goes to the next run, past what is left of the current one, and
	// returns its length in bytes; io.EOF behind the last one.
	NextRun() (length uint64, hole bool, err error)
	// Read reads in the current run of data and returns io.EOF at its end and
	// in holes. When the file has become shorter than it was when opened, it
	// returns io.ErrUnexpectedEOF.
	Read(p []byte) (int, error)
	// Changed reports whether the file was written to since it was opened, as
	// far as its size and modification time tell.
	Changed() (bool, error)
	// Close closes the file.
	Close() error
}

// Open opens the content of a regular file for reading, without following links and,
// where the system allows it, without changing the access time. When it is no
// longer the file that the walk saw, the error wraps ErrChanged. When it is, but
// was written to since, the item's entry is brought up to date, so that it
// describes what will be read. The caller closes the content.
func (f *Files) Open(item *Item) (Content, error) {
	file, s, err := f.open(item)
	if err != nil {
		return nil, fmt.Errorf("open file: %w", err)
	}
	s.fill(item.Entry, f.owners)
	return &runs{file: file, opened: s, sparse: item.Entry.Flags&format.FlagSparse != 0}, nil
}

func (f *Files) open(item *Item) (openFile, stat, error) {
	if item.dir == nil || item.Entry == nil || item.Entry.Type != format.TypeFile {
		return noFile, stat{}, errNoFile
	}
	at, err := f.handles.acquire(item.dir)
	if err != nil {
		return noFile, stat{}, err
	}
	defer f.handles.release(item.dir)
	file, s, err := openRegular(at, item.name(), item.Entry.UID)
	if err == nil && s.identity != item.identity {
		file.close()
		return noFile, s, ErrChanged
	}
	return file, s, err
}

var errNoFile = fmt.Errorf("not a regular file of a walk")

// name returns the last name of the path.
func (i *Item) name() string {
	key := i.Path
	return key[strings.LastIndexByte(key, separator)+1:]
}

// ReadSmall reads a whole regular file into buf in one go and returns its
// length. The error wraps ErrChanged when the file is not as the walk saw it,
// be it replaced or written to, or when it does not fit; then Open serves.
func (f *Files) ReadSmall(item *Item, buf []byte) (int, error) {
	n, err := f.readSmall(item, buf)
	if err != nil {
		return 0, fmt.Errorf("read file: %w", err)
	}
	return n, nil
}

func (f *Files) readSmall(item *Item, buf []byte) (int, error) {
	e := item.Entry
	if item.dir == nil || e == nil || e.Type != format.TypeFile {
		return 0, errNoFile
	}
	if e.Size > uint64(len(buf)) {
		return 0, ErrChanged
	}
	at, err := f.handles.acquire(item.dir)
	if err != nil {
		return 0, err
	}
	file, err := openContent(at, item.name(), e.UID)
	f.handles.release(item.dir)
	if err != nil {
		return 0, err
	}
	defer file.close()
	n, err := readUpTo(file, buf[:e.Size])
	if err != nil {
		return 0, err
	}
	// One look behind the read tells both what was opened and whether it was
	// still as the walk had seen it.
	var s stat
	if err := file.stat(&s); err != nil {
		return 0, err
	}
	unchanged := s.kind == format.TypeFile && s.identity == item.identity && uint64(n) == s.size && s.size == e.Size &&
		s.mtime == e.MTime && s.mtimeNS == e.MTimeNS && s.ctime == e.CTime && s.ctimeNS == e.CTimeNS
	if !unchanged {
		return 0, ErrChanged
	}
	return n, nil
}

// readUpTo fills buf as far as the file goes.
func readUpTo(file openFile, buf []byte) (int, error) {
	n := 0
	for n < len(buf) {
		m, err := file.readAt(buf[n:], int64(n))
		n += m
		if err == io.EOF {
			break
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// runs is the Content of a file on disk.
type runs struct {
	file   openFile
	opened stat
	sparse bool
	hole   bool   // the current run is one
	at     uint64 // next byte to read
	end    uint64 // of the current run
}

func (r *runs) NextRun() (length uint64, hole bool, err error) {
	r.at = r.end
	size := r.opened.size
	if r.at >= size {
		return 0, false, io.EOF
	}
	r.hole, r.end = false, size
	if r.sparse {
		begin, end := r.file.data(r.at, size)
		if begin > r.at {
			r.hole, r.end = true, begin
		} else {
			r.end = end
		}
	}
	return r.end - r.at, r.hole, nil
}

func (r *runs) Read(p []byte) (int, error) {
	if r.hole || r.at >= r.end {
		return 0, io.EOF
	}
	n, err := r.file.readAt(p[:min(uint64(len(p)), r.end-r.at)], int64(r.at))
	r.at += uint64(n)
	if err == io.EOF {
		return n, io.ErrUnexpectedEOF
	}
	if err != nil {
		return n, fmt.Errorf("read file: %w", err)
	}
	return n, nil
}

func (r *runs) Changed() (bool, error) {
	var now stat
	if err := r.file.stat(&now); err != nil {
		return false, fmt.Errorf("read metadata of open file: %w", err)
	}
	return !now.sameContent(&r.opened), nil
}

func (r *runs) Close() error {
	if err := r.file.close(); err != nil {
		return fmt.Errorf("close file: %w", err)
	}
	return nil
}
