package sim

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"firn/internal/object"
	"firn/internal/object/objecttest"
)

// line is one client's connection to the server for one piece of work.
type line struct {
	server  *server
	client  string
	hangUp  context.CancelFunc // ends the work
	dead    bool               // guarded by server.mu
	stalled time.Time          // guarded by server.mu; until when nothing happens
}

// connect begins a client's piece of work. A crash ends the context.
func (s *server) connect(ctx context.Context, client string) (context.Context, *line) {
	ctx, cancel := context.WithCancel(ctx)
	return ctx, &line{server: s, client: client, hangUp: cancel}
}

// crashed reports whether the client's machine went down meanwhile.
func (l *line) crashed() bool {
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	return l.dead
}

// call has the server do something and waits for the answer.
func (l *line) call(ctx context.Context, op objecttest.Op, name string, do func() error) error {
	if err := ctx.Err(); err != nil {
		return &object.Error{Op: string(op), Name: name, Err: err}
	}
	s := l.server
	s.mu.Lock()
	if l.dead {
		s.mu.Unlock()
		return &object.Error{Op: string(op), Name: name, Err: objecttest.ErrStopped}
	}
	s.number++
	r := &request{line: l, number: s.number, op: op, name: name, issued: time.Now(), do: do, answer: make(chan error, 1)}
	s.waiting = append(s.waiting, r)
	s.mu.Unlock()
	s.wakeUp()
	select {
	case err := <-r.answer:
		return err
	case <-ctx.Done():
		select {
		case err := <-r.answer: // always the same choice where there are both
			return err
		default:
		}
		// What is under way may still happen.
		return &object.Error{Op: string(op), Name: name, Err: ctx.Err()}
	}
}

// Get implements object.Store.
func (l *line) Get(ctx context.Context, name string, limit int64) ([]byte, object.Info, error) {
	var body []byte
	var info object.Info
	err := l.call(ctx, objecttest.Get, name, func() (err error) {
		body, info, err = l.server.mem.Get(context.Background(), name, limit)
		return err
	})
	if err != nil {
		return nil, object.Info{}, err
	}
	return body, info, nil
}

// GetRange implements object.Store.
func (l *line) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	part := make([]byte, len(p))
	err := l.call(ctx, objecttest.GetRange, name, func() error {
		return l.server.mem.GetRange(context.Background(), name, part, offset)
	})
	if err == nil {
		copy(p, part)
	}
	return err
}

// Head implements object.Store.
func (l *line) Head(ctx context.Context, name string) (object.Info, error) {
	var info object.Info
	err := l.call(ctx, objecttest.Head, name, func() (err error) {
		info, err = l.server.mem.Head(context.Background(), name)
		return err
	})
	if err != nil {
		return object.Info{}, err
	}
	return info, nil
}

// Put implements object.Store.
func (l *line) Put(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
	if opts.IfAbsent && !l.Capabilities().IfAbsent {
		return object.Info{}, &object.Error{Op: "put", Name: name, Err: object.ErrUnsupported}
	}
	body = bytes.Clone(body)
	var info object.Info
	err := l.call(ctx, objecttest.Put, name, func() (err error) {
		l.server.note(name)
		info, err = l.server.mem.Put(context.Background(), name, body, opts)
		return err
	})
	if err != nil {
		return object.Info{}, err
	}
	return info, nil
}

// Delete implements object.Store.
func (l *line) Delete(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	names = slices.Clone(names)
	what := names[0]
	if len(names) > 1 {
		what = fmt.Sprintf("%v", names)
	}
	return l.call(ctx, objecttest.Delete, what, func() error {
		l.server.note(names...)
		return l.server.mem.Delete(context.Background(), names...)
	})
}

// List implements object.Store. A listing of more than one object may take two
// requests, between which things change.
func (l *line) List(ctx context.Context, prefix string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		last := ""
		for part := 0; part < 2; part++ {
			var infos []object.Info
			whole := true
			err := l.call(ctx, objecttest.List, prefix, func() error {
				infos = l.server.listing(prefix, last)
				if part == 0 && len(infos) > 1 && l.server.random.IntN(4) == 0 {
					infos, whole = infos[:1+l.server.random.IntN(len(infos)-1)], false
				}
				return nil
			})
			if err != nil {
				yield(object.Info{}, err)
				return
			}
			for _, info := range infos {
				if !yield(info, nil) {
					return
				}
				last = info.Name
			}
			if whole {
				return
			}
		}
	}
}

// Capabilities implements object.Store.
func (l *line) Capabilities() object.Capabilities {
	c := l.server.mem.Capabilities()
	c.IfAbsent, c.IfMatch = l.server.faults.conditional, false
	return c
}

// Location implements object.Store.
func (l *line) Location() string { return sameDrive{}.Location() }
