package target

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"firn/internal/format"
)

// Tar writes entries as a tar stream in the PAX format, with extended
// attributes as SCHILY.xattr records, times in nanoseconds, hard links as
// links and holes as zeros. Names that are not UTF-8 are kept byte for byte.
type Tar struct {
	w      *tar.Writer
	links  links
	report func(Event)
	buffer []byte
}

// NewTar begins a tar stream on w. report is told of entries and metadata
// that a tar cannot hold; nil ignores that.
func NewTar(w io.Writer, report func(Event)) *Tar {
	if report == nil {
		report = func(Event) {}
	}
	return &Tar{w: tar.NewWriter(w), report: report, buffer: make([]byte, copyBuffer)}
}

const copyBuffer = 256 << 10 // bytes

// Add implements Archive. Sockets and unreadable files are reported and left
// out.
func (t *Tar) Add(key []byte, e *format.Entry, content io.Reader) error {
	h, err := t.header(key, e)
	if err != nil {
		return entryError("write to tar", key, err)
	}
	if h == nil {
		return nil
	}
	if err := t.w.WriteHeader(h); err != nil {
		return entryError("write to tar", key, err)
	}
	if h.Typeflag != tar.TypeReg {
		return nil
	}
	if err := copyContent(t.w, content, h.Size, t.buffer); err != nil {
		return entryError("write to tar", key, err)
	}
	t.links.restored(key, e)
	return nil
}

// Close implements Archive.
func (t *Tar) Close() error {
	if err := t.w.Close(); err != nil {
		return fmt.Errorf("close tar: %w", err)
	}
	return nil
}

// header returns nil for entries that are left out.
func (t *Tar) header(key []byte, e *format.Entry) (*tar.Header, error) {
	kind, err := kindOf(key, e)
	if err != nil {
		return nil, err
	}
	if e.Size > math.MaxInt64 {
		return nil, fmt.Errorf("%w: %d bytes", ErrSize, e.Size)
	}
	if reason := unrestorable(kind, e); reason != "" {
		t.report(Event{Key: key, Op: "leave out", Err: errors.New(reason)})
		return nil, nil
	}
	h := &tar.Header{
		Format: tar.FormatPAX, Name: string(key), Mode: int64(e.Mode & 0o7777),
		Uid: int(min(e.UID, math.MaxUint32)), Gid: int(min(e.GID, math.MaxUint32)), Uname: e.User, Gname: e.Group,
		ModTime: time.Unix(e.MTime, int64(e.MTimeNS)), PAXRecords: map[string]string{},
	}
	t.setType(h, key, kind, e)
	t.setRecords(h, key, e)
	return h, nil
}

func (t *Tar) setType(h *tar.Header, key []byte, kind uint32, e *format.Entry) {
	switch kind {
	case format.TypeDirectory:
		h.Typeflag = tar.TypeDir
	case format.TypeSymlink:
		h.Typeflag, h.Linkname = tar.TypeSymlink, string(e.Target)
	case format.TypePipe:
		h.Typeflag = tar.TypeFifo
	case format.TypeCharDevice, format.TypeBlockDev:
		h.Typeflag = tar.TypeChar
		if kind == format.TypeBlockDev {
			h.Typeflag = tar.TypeBlock
		}
		h.Devmajor, h.Devminor = int64(e.Rdev>>32), int64(uint32(e.Rdev))
	default:
		h.Typeflag, h.Size = tar.TypeReg, int64(e.Size)
		if leader, ok := t.links.leader(e); ok && isLinked(e) {
			h.Typeflag, h.Size, h.Linkname = tar.TypeLink, 0, leader
			t.links.linked(e)
		} else {
			t.links.follows(key, e)
		}
	}
}

// setRecords adds what only PAX records can hold.
func (t *Tar) setRecords(h *tar.Header, key []byte, e *format.Entry) {
	for _, a := range e.Attributes {
		name := string(a.Name)
		switch {
		case a.Spilled != nil && a.Value == nil:
			t.report(Event{Key: key, Op: "set attribute " + name, Err: errNotLoaded})
		case name == "" || strings.ContainsAny(name, "=\x00"):
			t.report(Event{Key: key, Op: "set attribute " + name, Err: fmt.Errorf("%w by tar: name of attribute", ErrUnsupported)})
		default:
			h.PAXRecords["SCHILY.xattr."+name] = string(a.Value)
		}
	}
	for _, field := range []string{h.Name, h.Linkname, h.Uname, h.Gname} {
		if !utf8.ValidString(field) {
			h.PAXRecords["hdrcharset"] = "BINARY"
		}
	}
}

// copyContent copies exactly size bytes.
func copyContent(w io.Writer, content io.Reader, size int64, buffer []byte) error {
	for left := size; ; {
		n, err := io.ReadFull(content, buffer[:min(left+1, int64(len(buffer)))])
		if int64(n) > left {
			return fmt.Errorf("%w: more than %d bytes", ErrSize, size)
		}
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
			left -= int64(n)
		}
		switch {
		case err == nil:
		case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			return err
		case left > 0:
			return fmt.Errorf("%w: %d bytes of %d", ErrSize, size-left, size)
		default:
			return nil
		}
	}
}
