package object

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Mem is a Store in memory. It honours IfAbsent and IfMatch, attests SHA256
// (ErrCorrupt), keeps Class, and refuses RetainUntil. Listings show one moment
// and come in the order of names, so that tests over it are deterministic.
// Bodies are copied on the way in and out.
type Mem struct {
	clock func() time.Time

	mu       sync.RWMutex
	groups   map[string]map[string]memObject // guarded by mu; first segment → name → object
	revision uint64                          // guarded by mu; the last ETag given
}

// memObject is never changed once it is in a group.
type memObject struct {
	body []byte
	info Info
}

// NewMem returns an empty store that goes by the time of day.
func NewMem() *Mem { return NewMemClock(time.Now) }

// NewMemClock returns an empty store whose Modified times come from clock,
// which must be safe for concurrent use.
func NewMemClock(clock func() time.Time) *Mem {
	return &Mem{clock: clock, groups: make(map[string]map[string]memObject)}
}

// Get implements Store.
func (m *Mem) Get(ctx context.Context, name string, limit int64) ([]byte, Info, error) {
	o, err := m.find(ctx, "get", name)
	if err != nil {
		return nil, Info{}, err
	}
	if o.info.Size > limit {
		return nil, Info{}, fail("get", name, tooLarge(o.info.Size, limit))
	}
	return bytes.Clone(o.body), o.info, nil
}

// GetRange implements Store.
func (m *Mem) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	o, err := m.find(ctx, "get", name)
	if err != nil {
		return err
	}
	if err := checkRange(o.info.Size, int64(len(p)), offset); err != nil {
		return fail("get", name, err)
	}
	copy(p, o.body[min(offset, o.info.Size):])
	return nil
}

// Head implements Store.
func (m *Mem) Head(ctx context.Context, name string) (Info, error) {
	o, err := m.find(ctx, "head", name)
	return o.info, err
}

// Put implements Store.
func (m *Mem) Put(ctx context.Context, name string, body []byte, opts PutOptions) (Info, error) {
	if err := begin(ctx, "put", name); err != nil {
		return Info{}, err
	}
	if !opts.RetainUntil.IsZero() {
		return Info{}, fail("put", name, fmt.Errorf("retention: %w", ErrUnsupported))
	}
	if opts.SHA256 != nil && sha256.Sum256(body) != *opts.SHA256 {
		return Info{}, fail("put", name, fmt.Errorf("SHA-256 of the body: %w", ErrCorrupt))
	}
	o := memObject{
		body: append(make([]byte, 0, len(body)), body...),
		info: Info{Name: name, Size: int64(len(body)), Class: opts.Class},
	}
	info, err := m.store(name, o, opts)
	return info, fail("put", name, err)
}

// store puts o in its place if the conditions hold.
func (m *Mem) store(name string, o memObject, opts PutOptions) (Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	group := m.groups[groupOf(name)]
	present, taken := group[name]
	if opts.IfAbsent && taken {
		return Info{}, ErrExists
	}
	if opts.IfMatch != "" && opts.IfMatch != present.info.ETag {
		return Info{}, ErrChanged
	}
	m.revision++
	o.info.ETag = strconv.FormatUint(m.revision, 10)
	o.info.Modified = m.clock()
	if group == nil {
		group = make(map[string]memObject)
		m.groups[groupOf(name)] = group
	}
	group[name] = o
	return o.info, nil
}

// Delete implements Store.
func (m *Mem) Delete(ctx context.Context, names ...string) error {
	var failures []error
	for _, name := range names {
		if err := begin(ctx, "delete", name); err != nil {
			failures = append(failures, err)
			continue
		}
		m.mu.Lock()
		delete(m.groups[groupOf(name)], name)
		m.mu.Unlock()
	}
	return errors.Join(failures...)
}

// List implements Store.
func (m *Mem) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		for _, info := range m.infos(prefix) {
			if err := ctx.Err(); err != nil {
				yield(Info{}, fail("list", prefix, err))
				return
			}
			if !yield(info, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(Info{}, fail("list", prefix, err))
		}
	}
}

// infos returns what is known of the objects under prefix, by name.
func (m *Mem) infos(prefix string) []Info {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var found []Info
	collect := func(group map[string]memObject) {
		for name, o := range group {
			if strings.HasPrefix(name, prefix) {
				found = append(found, o.info)
			}
		}
	}
	if strings.Contains(prefix, "/") {
		collect(m.groups[groupOf(prefix)])
	} else {
		for first, group := range m.groups {
			if strings.HasPrefix(first, prefix) {
				collect(group)
			}
		}
	}
	slices.SortFunc(found, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// Capabilities implements Store.
func (m *Mem) Capabilities() Capabilities {
	return Capabilities{IfAbsent: true, IfMatch: true, Attests: true}
}

// Location implements Store.
func (m *Mem) Location() string { return "memory" }

func (m *Mem) find(ctx context.Context, op, name string) (memObject, error) {
	if err := begin(ctx, op, name); err != nil {
		return memObject{}, err
	}
	m.mu.RLock()
	o, ok := m.groups[groupOf(name)][name]
	m.mu.RUnlock()
	if !ok {
		return memObject{}, fail(op, name, ErrNotFound)
	}
	return o, nil
}

// groupOf returns the first segment of a name, so that listing one folder
// does not walk through all the others.
func groupOf(name string) string {
	first, _, _ := strings.Cut(name, "/")
	return first
}

func tooLarge(size, limit int64) error {
	return fmt.Errorf("%w: %d bytes, at most %d expected", ErrTooLarge, size, limit)
}

// checkRange says whether length bytes from offset on lie within size. No
// bytes at all lie within any object.
func checkRange(size, length, offset int64) error {
	if offset < 0 {
		return fmt.Errorf("negative offset %d", offset)
	}
	if length > 0 && offset > size-length {
		return fmt.Errorf("%w: %d bytes, %d wanted from byte %d on", ErrShort, size, length, offset)
	}
	return nil
}
