package examine

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"firn/internal/object"
)

// folder is where test objects are written.
const folder = "probe/"

// newName returns a name that nobody has used.
func newName() string { return folder + rand.Text() }

// random returns bytes that do not compress.
func random(n int) []byte {
	body := make([]byte, n)
	_, _ = rand.Read(body) // never fails
	return body
}

// samples is how many requests the latency is the median of.
const samples = 5

// latency times requests that move nothing: for an object that is not there.
func (e *examination) latency(ctx context.Context) {
	name := newName()
	var times []time.Duration
	for range samples {
		begun := time.Now()
		_, err := e.Store.Head(ctx, name)
		if err != nil && !errors.Is(err, object.ErrNotFound) {
			found, advice := explain(err)
			e.skip(StepLatency, "not measured: "+found, advice)
			return
		}
		times = append(times, time.Since(begun))
	}
	slices.Sort(times)
	e.report.Latency = times[len(times)/2]
	e.ok(StepLatency, "%s for a small request", brief(e.report.Latency))
}

// objects writes a test object, reads it back, compares and deletes it.
func (e *examination) objects(ctx context.Context) {
	t := &trial{name: newName(), body: random(4 << 10)}
	err := t.write(ctx, e.Store)
	switch {
	case errors.Is(err, object.ErrReadOnly):
		for _, step := range []string{StepWrite, StepRead, StepDelete} {
			e.skip(step, "the drive is read-only", "")
		}
		return
	case err != nil:
		found, advice := explain(err)
		if errors.Is(err, object.ErrAccess) {
			advice = "read_only: true is for keys that shall only read; else: " + advice
		}
		e.suspicious = true
		e.failAs(Step{Name: StepWrite, Found: found, Advice: advice}, err)
		e.skip(StepRead, "there is no test object", "")
		e.skip(StepDelete, "there is no test object", "")
		return
	}
	e.report.Writable = true
	e.ok(StepWrite, "permitted")
	if err := t.read(ctx, e.Store); err != nil {
		e.doubt(StepRead, err)
	} else {
		e.report.Readable = true
		e.ok(StepRead, "permitted; the bytes are those written")
	}
	e.conditions(ctx, t)
	err = t.remove(ctx, e.Store)
	switch {
	case errors.Is(err, object.ErrAccess):
		found, advice := explain(err)
		e.warn(StepDelete, found, "backups work without the right to delete; forget and prune need it: "+advice)
	case err != nil:
		e.doubt(StepDelete, err)
	default:
		e.report.Deletable = true
		e.ok(StepDelete, "permitted")
	}
}

// trial is a test object.
type trial struct {
	name string
	body []byte
}

// write creates the object; unconditionally if that is allowed: a bucket's
// policy may demand the condition.
func (t *trial) write(ctx context.Context, store object.Store) error {
	_, err := store.Put(ctx, t.name, t.body, object.PutOptions{})
	if errors.Is(err, object.ErrAccess) {
		_, err = store.Put(ctx, t.name, t.body, object.PutOptions{IfAbsent: true})
	}
	return err
}

func (t *trial) read(ctx context.Context, store object.Store) error {
	body, _, err := store.Get(ctx, t.name, int64(len(t.body)))
	if err != nil {
		return err
	}
	if !bytes.Equal(body, t.body) {
		return &object.Error{Op: "get", Name: t.name, Err: object.ErrCorrupt, Advice: "a proxy or the server changes bytes: do not use this drive"}
	}
	return nil
}

// cleaningTime bounds the deletion of test objects after the end of the context.
const cleaningTime = 30 * time.Second

// remove deletes the object, also when the context has ended, and makes sure
// that it is gone.
func (t *trial) remove(ctx context.Context, store object.Store) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleaningTime)
	defer cancel()
	if err := store.Delete(ctx, t.name); err != nil {
		return err
	}
	if _, err := store.Head(ctx, t.name); err == nil {
		return &object.Error{Op: "delete", Name: t.name, Err: errors.New("deleted objects are still there"),
			Advice: "the server reports deletions that it does not make: do not use this drive"}
	} else if !errors.Is(err, object.ErrNotFound) {
		return err
	}
	return nil
}

// drop removes the object where that is permitted.
func (t *trial) drop(ctx context.Context, store object.Store) error {
	if err := t.remove(ctx, store); err != nil && !errors.Is(err, object.ErrAccess) {
		return err
	}
	return nil
}

// all makes the whole trial.
func (t *trial) all(ctx context.Context, store object.Store) error {
	if err := t.write(ctx, store); err != nil {
		return err
	}
	return errors.Join(t.read(ctx, store), t.remove(ctx, store))
}

// conditions finds out what becomes of the wish to create only, while the test
// object is there and before the store knows what the server can do.
func (e *examination) conditions(ctx context.Context, t *trial) {
	const advice = "prune waits longer before it deletes anything, and only one host should prune"
	_, err := e.Store.Put(ctx, t.name, t.body, object.PutOptions{IfAbsent: true})
	switch {
	case errors.Is(err, object.ErrExists):
		e.ok(StepCreate, "honoured (If-None-Match)")
	case err == nil:
		e.warn(StepCreate, "ignored: the server overwrites where it was told not to (If-None-Match)", advice)
	case errors.Is(err, object.ErrUnsupported):
		e.warn(StepCreate, "refused: the server cannot create only (If-None-Match)", advice)
	default:
		e.doubt(StepCreate, fmt.Errorf("create only: %w", err))
	}
}
