package object

import (
	"context"
	"iter"
	"sync/atomic"
)

// Counts is what went through a Metered store: calls by operation, whatever
// their outcome, and bytes of bodies. A Delete of many names is one call, as
// is a listing of any length.
type Counts struct {
	Get, GetRange, Put, Head, Delete, List int64

	Thaw int64 // requests for readable copies, see Thawer
	Copy int64 // copies within the store, see Copier

	BytesIn  int64 // bytes read from the store
	BytesOut int64 // bytes sent to the store, also those it refused
}

// Requests returns the number of all calls.
func (c Counts) Requests() int64 {
	return c.Get + c.GetRange + c.Put + c.Head + c.Delete + c.List + c.Thaw + c.Copy
}

// Metered is a Store that counts what goes through it.
type Metered struct {
	Store
	get, getRange, put, head, del, list, thaw, copied atomic.Int64
	in, out                                           atomic.Int64
}

// Meter wraps s. Put it under Retry to count attempts, over it to count calls.
func Meter(s Store) *Metered { return &Metered{Store: s} }

// Counts returns the counts so far. While calls are under way the numbers may
// stem from slightly different moments.
func (m *Metered) Counts() Counts {
	return Counts{
		Get: m.get.Load(), GetRange: m.getRange.Load(), Put: m.put.Load(),
		Head: m.head.Load(), Delete: m.del.Load(), List: m.list.Load(), Thaw: m.thaw.Load(), Copy: m.copied.Load(),
		BytesIn: m.in.Load(), BytesOut: m.out.Load(),
	}
}

// Get implements Store.
func (m *Metered) Get(ctx context.Context, name string, limit int64) ([]byte, Info, error) {
	m.get.Add(1)
	body, info, err := m.Store.Get(ctx, name, limit)
	m.in.Add(int64(len(body)))
	return body, info, err
}

// GetRange implements Store.
func (m *Metered) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	m.getRange.Add(1)
	err := m.Store.GetRange(ctx, name, p, offset)
	if err == nil {
		m.in.Add(int64(len(p)))
	}
	return err
}

// Head implements Store.
func (m *Metered) Head(ctx context.Context, name string) (Info, error) {
	m.head.Add(1)
	return m.Store.Head(ctx, name)
}

// Put implements Store.
func (m *Metered) Put(ctx context.Context, name string, body []byte, opts PutOptions) (Info, error) {
	m.put.Add(1)
	m.out.Add(int64(len(body)))
	return m.Store.Put(ctx, name, body, opts)
}

// Delete implements Store.
func (m *Metered) Delete(ctx context.Context, names ...string) error {
	m.del.Add(1)
	return m.Store.Delete(ctx, names...)
}

// List implements Store. It is counted each time it is walked.
func (m *Metered) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		m.list.Add(1)
		m.Store.List(ctx, prefix)(yield)
	}
}
