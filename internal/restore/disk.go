package restore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/target"
	"firn/internal/tree"
)

// diskRestore is a restore to disk under way.
type diskRestore struct {
	ctx    context.Context // of the call
	reader *repo.Reader
	disk   *target.Disk
	opts   *Options
	wave   *wave
	links  []linked // made when all content is there
	at     int      // position of the entry in the walk
	parked ordinals // files whose packs cannot be read yet
}

// linked is a further member of a hard link group.
type linked struct {
	key   []byte
	entry *format.Entry
}

// entry deals with one entry of the walk.
func (r *diskRestore) entry(key []byte, e *format.Entry) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	return r.settle(key, r.prepare(key, e))
}

// repoFailed reports whether an error ends the restore: the drive failed, or
// somebody stopped it.
func repoFailed(err error) bool {
	var stop *stopError
	return errors.As(err, &stop) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// stopError is an error that ends the restore.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }
func (e *stopError) Unwrap() error { return e.err }

func (r *diskRestore) prepare(key []byte, e *format.Entry) error {
	p := r.opts.Progress
	if e.Flags&format.FlagUnreadable != 0 && isFile(e) {
		return errors.New("its content could not be read when it was backed up")
	}
	e, err := r.withAttributes(e)
	if err != nil {
		return err
	}
	plan, err := r.disk.Prepare(key, e)
	if err != nil {
		return err
	}
	switch plan.Action {
	case target.Skip:
		p.skip(key, plan.Reason)
		return nil
	case target.Done:
		p.Other.Add(1)
	}
	if r.opts.DryRun {
		r.foresee(key, e, plan)
		return nil
	}
	switch plan.Action {
	case target.Keep:
		p.skip(key, "is unchanged")
		return r.disk.Keep(key, e)
	case target.Make:
		return r.make(key, e)
	case target.Write:
		return r.plan(key, e, plan.Existing)
	}
	return nil
}

// foresee counts what would be written.
func (r *diskRestore) foresee(key []byte, e *format.Entry, plan target.Plan) {
	p := r.opts.Progress
	p.entry(key, e)
	switch plan.Action {
	case target.Write:
		p.Files.Add(1)
		p.Bytes.Add(e.Size)
	case target.Keep:
		p.Skipped.Add(1)
	case target.Make:
		p.Other.Add(1)
	}
}

func isFile(e *format.Entry) bool {
	return e.Type == format.TypeFile || e.Type == format.TypeStream || e.Type == format.TypeS3Object
}

// withAttributes returns the entry with large extended attributes read.
func (r *diskRestore) withAttributes(e *format.Entry) (*format.Entry, error) {
	whole := e
	for i := range e.Attributes {
		if e.Attributes[i].Spilled == nil {
			continue
		}
		value, err := tree.AttributeValue(r.ctx, r.reader, &e.Attributes[i])
		if err != nil {
			return nil, fmt.Errorf("read attribute %q: %w", e.Attributes[i].Name, err)
		}
		if whole == e {
			own := *e
			own.Attributes = append([]format.Attribute(nil), e.Attributes...)
			whole = &own
		}
		whole.Attributes[i] = format.Attribute{Name: e.Attributes[i].Name, Value: value}
	}
	return whole, nil
}

// make creates what has no content. Hard links wait until their leader is there.
func (r *diskRestore) make(key []byte, e *format.Entry) error {
	if isFile(e) {
		r.links = append(r.links, linked{bytes.Clone(key), cloneEntry(e)})
		return nil
	}
	if err := r.disk.MakeOther(key, e); err != nil {
		return err
	}
	r.opts.Progress.Other.Add(1)
	r.opts.Progress.entry(key, e)
	return nil
}

func (r *diskRestore) makeLinks() {
	for _, l := range r.links {
		if err := r.disk.MakeOther(l.key, l.entry); err != nil {
			r.opts.Progress.problem(l.key, err)
			continue
		}
		r.opts.Progress.Files.Add(1)
		r.opts.Progress.Bytes.Add(l.entry.Size)
		r.opts.Progress.entry(l.key, l.entry)
	}
}

// cloneEntry copies an entry that outlives the walk's step. Content is left
// out: the plan has it.
func cloneEntry(e *format.Entry) *format.Entry {
	own := *e
	own.Content, own.Spilled = nil, nil
	own.Target = bytes.Clone(e.Target)
	own.Attributes = make([]format.Attribute, len(e.Attributes))
	for i, a := range e.Attributes {
		own.Attributes[i] = format.Attribute{Name: bytes.Clone(a.Name), Value: bytes.Clone(a.Value)}
	}
	return &own
}

// suspend closes files that are not complete, so that a next restore goes on
// with them.
func (r *diskRestore) suspend() error {
	var all error
	for _, f := range r.wave.files {
		f.mu.Lock()
		if f.file != nil && !f.ended {
			all = errors.Join(all, f.file.Suspend())
			f.ended = true
		}
		f.mu.Unlock()
	}
	return all
}
