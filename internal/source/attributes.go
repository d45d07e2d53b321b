package source

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"

	"firn/internal/format"
)

// Bounds of extended attributes, in bytes. Linux stops at 64 KiB for both.
const (
	maxAttributeNames = 1 << 20
	maxAttributeValue = 16 << 20
)

// errNoAttributes says that a file system has no extended attributes.
var errNoAttributes = errors.New("extended attributes are not supported")

// errAttributeGone says that an attribute was removed after it was listed.
var errAttributeGone = errors.New("extended attribute is gone")

// errAttributeRoom says that a buffer is too small.
var errAttributeRoom = errors.New("extended attribute does not fit")

// A carrier is a file whose extended attributes are read: name in a directory.
type carrier struct {
	at     handle
	path   string // on disk, for systems that know no better
	name   string
	follow bool
}

// An attributeReader reads extended attributes into its buffer; one goroutine
// uses it at a time.
type attributeReader struct {
	without *deviceSet // devices known to have none
	buf     []byte
}

var attributeReaders = sync.Pool{New: func() any { return &attributeReader{buf: make([]byte, 4<<10)} }}

// read returns c's attributes, ascending by name; with an error, those it could read.
func (r *attributeReader) read(c *carrier, s *stat) ([]format.Attribute, error) {
	if r.without.has(s.identity.device) {
		return nil, nil
	}
	names, err := r.list(c)
	if errors.Is(err, errNoAttributes) {
		if s.kind == format.TypeFile || s.kind == format.TypeDirectory {
			r.without.add(s.identity.device) // others may lack them where files have some
		}
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list extended attributes: %w", err)
	}
	if len(names) == 0 {
		return nil, nil
	}
	return r.values(c, bytes.Clone(names))
}

// values reads the attributes named in names, each with a zero byte behind it.
func (r *attributeReader) values(c *carrier, names []byte) ([]format.Attribute, error) {
	var attributes []format.Attribute
	var failed []error
	for name := range bytes.SplitSeq(names, []byte{0}) {
		if len(name) == 0 {
			continue
		}
		value, err := r.get(c, string(name))
		switch {
		case errors.Is(err, errAttributeGone), errors.Is(err, errNoAttributes):
		case err != nil:
			failed = append(failed, fmt.Errorf("read extended attribute %q: %w", name, err))
		default:
			attributes = append(attributes, format.Attribute{Name: name, Value: bytes.Clone(value)})
		}
	}
	slices.SortFunc(attributes, func(a, b format.Attribute) int { return bytes.Compare(a.Name, b.Name) })
	return attributes, errors.Join(failed...)
}

// list returns the names of c's attributes, good until the buffer is used again.
func (r *attributeReader) list(c *carrier) ([]byte, error) {
	for {
		n, err := c.listAttributes(r.buf)
		if err == nil {
			return r.buf[:n], nil
		}
		if !r.grow(err, maxAttributeNames) {
			return nil, err
		}
	}
}

// get returns the value of an attribute, good until the buffer is used again.
func (r *attributeReader) get(c *carrier, name string) ([]byte, error) {
	for {
		n, err := c.getAttribute(name, r.buf)
		if err == nil {
			return r.buf[:n], nil
		}
		if !r.grow(err, maxAttributeValue) {
			return nil, err
		}
	}
}

// grow makes the buffer larger, up to limit bytes, if err says that it was too small.
func (r *attributeReader) grow(err error, limit int) bool {
	if !errors.Is(err, errAttributeRoom) || len(r.buf) >= limit {
		return false
	}
	r.buf = make([]byte, min(4*len(r.buf), limit))
	return true
}

// A deviceSet is a set of device numbers, safe for concurrent use.
type deviceSet struct {
	mu      sync.RWMutex
	devices map[uint64]struct{} // guarded by mu
}

func (d *deviceSet) has(device uint64) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	_, ok := d.devices[device]
	return ok
}

func (d *deviceSet) add(device uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.devices == nil {
		d.devices = make(map[uint64]struct{})
	}
	d.devices[device] = struct{}{}
}
