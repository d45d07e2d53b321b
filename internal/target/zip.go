package target

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"

	"firn/internal/format"
)

// Zip writes entries as a zip stream with modes, times, owners' numbers and
// symbolic links as Unix programs keep them. Every member of a hard link group
// has its content; devices, pipes and extended attributes are left out.
type Zip struct {
	w      *zip.Writer
	report func(Event)
	buffer []byte
}

// NewZip begins a zip stream on w. report is told of entries and metadata
// that a zip cannot hold; nil ignores that.
func NewZip(w io.Writer, report func(Event)) *Zip {
	if report == nil {
		report = func(Event) {}
	}
	z := &Zip{w: zip.NewWriter(w), report: report, buffer: make([]byte, copyBuffer)}
	z.w.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.DefaultCompression)
	})
	return z
}

// Add implements Archive.
func (z *Zip) Add(key []byte, e *format.Entry, content io.Reader) error {
	if err := z.add(key, e, content); err != nil {
		return entryError("write to zip", key, err)
	}
	return nil
}

// Close implements Archive.
func (z *Zip) Close() error {
	if err := z.w.Close(); err != nil {
		return fmt.Errorf("close zip: %w", err)
	}
	return nil
}

func (z *Zip) add(key []byte, e *format.Entry, content io.Reader) error {
	kind, err := kindOf(key, e)
	if err != nil {
		return err
	}
	reason := unrestorable(kind, e)
	if kind == format.TypePipe || kind == format.TypeCharDevice || kind == format.TypeBlockDev {
		reason = "a zip cannot hold devices and pipes"
	}
	if reason != "" {
		z.report(Event{Key: key, Op: "leave out", Err: errors.New(reason)})
		return nil
	}
	switch {
	case e.Size > math.MaxInt64:
		return fmt.Errorf("%w: %d bytes", ErrSize, e.Size)
	case len(key) > math.MaxUint16:
		return fmt.Errorf("%w by zip: a path of %d bytes", ErrUnsupported, len(key))
	}
	if len(e.Attributes) > 0 {
		z.report(Event{Key: key, Op: "set attributes", Err: fmt.Errorf("%w by zip", ErrUnsupported)})
	}
	w, err := z.w.CreateHeader(z.header(key, kind, e))
	if err != nil {
		return err
	}
	switch kind {
	case format.TypeSymlink:
		_, err = w.Write(e.Target)
		return err
	case format.TypeFile:
		return copyContent(w, content, int64(e.Size), z.buffer)
	}
	return nil
}

func (z *Zip) header(key []byte, kind uint32, e *format.Entry) *zip.FileHeader {
	h := &zip.FileHeader{
		Name: string(key), NonUTF8: !utf8.Valid(key), Method: zip.Store,
		Modified: z.time(key, e), Extra: ownerExtra(e),
	}
	mode := fs.FileMode(e.Mode & permissions)
	for bit, is := range map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if e.Mode&bit != 0 {
			mode |= is
		}
	}
	switch kind {
	case format.TypeDirectory:
		mode |= fs.ModeDir
	case format.TypeSymlink:
		mode = fs.ModeSymlink | permissions
	default:
		if e.Size > 0 {
			h.Method = zip.Deflate
		}
	}
	h.SetMode(mode)
	return h
}

// time brings the mtime into the years that a zip can express.
func (z *Zip) time(key []byte, e *format.Entry) time.Time {
	first, last := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2107, 12, 31, 23, 59, 58, 0, time.UTC)
	t := time.Unix(e.MTime, int64(e.MTimeNS)).UTC()
	if t.Before(first) || t.After(last) {
		z.report(Event{Key: key, Op: "set time", Err: fmt.Errorf("%w by zip: year %d", ErrUnsupported, t.Year())})
		if t.Before(first) {
			return first
		}
		return last
	}
	return t
}

// ownerExtra is Info-ZIP's extra field "ux": user and group by number.
func ownerExtra(e *format.Entry) []byte {
	b := binary.LittleEndian.AppendUint16(nil, 0x7875)
	b = binary.LittleEndian.AppendUint16(b, 19)
	b = append(b, 1, 8)
	b = binary.LittleEndian.AppendUint64(b, e.UID)
	b = append(b, 8)
	return binary.LittleEndian.AppendUint64(b, e.GID)
}
