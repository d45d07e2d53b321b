package object

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// probeFolder holds the objects of probes.
const probeFolder = "probe/"

// Probe finds out by doing what s can do, with small objects of random names
// under "probe/", and checks on the way that it keeps what it is given:
// reading, ranges, listing, overwriting, deleting. An error means that the
// drive is unfit for use or could not be asked.
//
// A condition counts as honoured only if s was seen to refuse; a store that
// ignores it and answers with success does not have it. Retain is taken over
// from s, because trying it would leave an object behind that nobody can
// delete. s must send the conditions it is asked for: what its Capabilities
// exclude is refused by itself and so found missing.
//
// The objects are deleted at the end, also after an error; where that is not
// permitted (ErrAccess, ErrReadOnly) a handful of bytes stays behind.
func Probe(ctx context.Context, s Store) (c Capabilities, err error) {
	p := &probe{store: s, folder: probeFolder + rand.Text() + "/"}
	defer func() {
		if cleaning := p.clean(ctx); cleaning != nil && err == nil {
			err = fmt.Errorf("probe deletion: %w", cleaning)
		}
		if err != nil {
			c = Capabilities{}
		}
	}()
	c.Retain = s.Capabilities().Retain
	for _, part := range []struct {
		what string
		find func(context.Context, *Capabilities) error
	}{
		{"reading and writing", p.basics},
		{"overwriting", p.overwrite},
		{"create if absent", p.ifAbsent},
		{"replace if unchanged", p.ifMatch},
		{"attestation", p.attests},
	} {
		if err := part.find(ctx, &c); err != nil {
			return c, fmt.Errorf("probe %s: %w", part.what, err)
		}
	}
	return c, nil
}

// Confirm reports whether s still honours IfAbsent, at a fraction of what Probe
// costs. It finds no other faults.
func Confirm(ctx context.Context, s Store) (honoured bool, err error) {
	p := &probe{store: s, folder: probeFolder + rand.Text() + "/"}
	defer func() {
		if cleaning := p.clean(ctx); cleaning != nil && err == nil {
			err = fmt.Errorf("probe deletion: %w", cleaning)
		}
	}()
	var c Capabilities
	if err := p.ifAbsent(ctx, &c); err != nil {
		return false, fmt.Errorf("probe create if absent: %w", err)
	}
	return c.IfAbsent, nil
}

// cleaningTime bounds the deletion of a probe's objects when the caller's
// context has ended.
const cleaningTime = 30 * time.Second

// racers are the bodies of concurrent creations of one name. They are equally long:
// where all are taken, each must find the size it wrote.
var racers = [...]string{"rose", "jade", "blue", "gold"}

type probe struct {
	store  Store
	folder string
	names  []string // everything that may have been written

	version string // of the first object, before it was overwritten
}

// put writes an object that clean will delete.
func (p *probe) put(ctx context.Context, name, body string, opts PutOptions) (Info, error) {
	return p.store.Put(ctx, p.note(name), []byte(body), opts)
}

// create writes a new object; unconditionally if that is allowed: a bucket's
// policy may demand the condition.
func (p *probe) create(ctx context.Context, name, body string, opts PutOptions) (Info, error) {
	info, err := p.put(ctx, name, body, opts)
	if errors.Is(err, ErrAccess) {
		opts.IfAbsent = true
		return p.put(ctx, name, body, opts)
	}
	return info, err
}

// note remembers an object for clean and returns its whole name.
func (p *probe) note(name string) string {
	name = p.folder + name
	if !slices.Contains(p.names, name) {
		p.names = append(p.names, name)
	}
	return name
}

// holds checks that an object has exactly these bytes.
func (p *probe) holds(ctx context.Context, name, want string) (Info, error) {
	body, info, err := p.store.Get(ctx, p.folder+name, 1<<10)
	if err == nil && string(body) != want {
		err = fmt.Errorf("read back: %w", ErrCorrupt)
	}
	return info, err
}

func (p *probe) basics(ctx context.Context, _ *Capabilities) error {
	const body = "0123456789"
	if _, err := p.create(ctx, "a", body, PutOptions{}); err != nil {
		return err
	}
	if _, err := p.holds(ctx, "a", body); err != nil {
		return err
	}
	middle := make([]byte, 4)
	if err := p.store.GetRange(ctx, p.folder+"a", middle, 3); err != nil {
		return err
	}
	if !bytes.Equal(middle, []byte(body[3:7])) {
		return fmt.Errorf("range: %w", ErrCorrupt)
	}
	info, err := p.store.Head(ctx, p.folder+"a")
	if err != nil {
		return err
	}
	if info.Size != int64(len(body)) {
		return fmt.Errorf("head says %d bytes of %d: %w", info.Size, len(body), ErrCorrupt)
	}
	p.version = info.Version
	listed := 0
	for info, err := range p.store.List(ctx, p.folder) {
		if err != nil {
			return err
		}
		if info.Name == p.folder+"a" {
			listed++
		}
	}
	if listed != 1 {
		return fmt.Errorf("a new object is listed %d times", listed)
	}
	return nil
}

func (p *probe) overwrite(ctx context.Context, c *Capabilities) error {
	if _, err := p.put(ctx, "a", "other", PutOptions{}); errors.Is(err, ErrAccess) {
		return nil // not allowed, not needed
	} else if err != nil {
		return err
	}
	after, err := p.holds(ctx, "a", "other")
	c.Versions = p.version != "" && after.Version != "" && p.version != after.Version
	return err
}

// ifAbsent has several create one name at once, then another one again: only
// one of them all may succeed.
func (p *probe) ifAbsent(ctx context.Context, c *Capabilities) error {
	name := p.note("raced")
	create := func(body string) error {
		_, err := p.store.Put(ctx, name, []byte(body), PutOptions{IfAbsent: true})
		return err
	}
	var outcomes [len(racers)]error
	var running sync.WaitGroup
	for i, body := range racers {
		running.Go(func() { outcomes[i] = create(body) })
	}
	running.Wait()
	winners, winner := 0, ""
	for i, err := range outcomes {
		switch {
		case err == nil:
			winners, winner = winners+1, racers[i]
		case errors.Is(err, ErrUnsupported):
			return nil
		case !errors.Is(err, ErrExists):
			return err
		}
	}
	if winners != 1 {
		return nil
	}
	switch err := create("late"); {
	case err == nil || errors.Is(err, ErrUnsupported):
		return nil
	case !errors.Is(err, ErrExists):
		return err
	}
	_, err := p.holds(ctx, "raced", winner)
	c.IfAbsent = err == nil
	return err
}

func (p *probe) ifMatch(ctx context.Context, c *Capabilities) error {
	first, err := p.create(ctx, "swapped", "first", PutOptions{})
	if err != nil {
		return err
	}
	if _, err := p.put(ctx, "swapped", "second", PutOptions{IfMatch: first.ETag}); errors.Is(err, ErrUnsupported) || errors.Is(err, ErrAccess) {
		return nil
	} else if err != nil {
		return err
	}
	_, err = p.put(ctx, "swapped", "third", PutOptions{IfMatch: first.ETag})
	switch {
	case err == nil || errors.Is(err, ErrUnsupported):
		return nil
	case !errors.Is(err, ErrChanged):
		return err
	}
	_, err = p.holds(ctx, "swapped", "second")
	c.IfMatch = err == nil
	return err
}

// attests sends a hash of other bytes.
func (p *probe) attests(ctx context.Context, c *Capabilities) error {
	wrong := sha256.Sum256([]byte("other"))
	_, err := p.create(ctx, "attested", "body", PutOptions{SHA256: &wrong})
	switch {
	case err == nil || errors.Is(err, ErrUnsupported):
		return nil
	case !errors.Is(err, ErrCorrupt):
		return err
	}
	c.Attests = true
	return nil
}

// clean deletes what the probe has written and checks that it is gone.
func (p *probe) clean(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleaningTime)
	defer cancel()
	err := p.store.Delete(ctx, p.names...)
	if errors.Is(err, ErrAccess) || errors.Is(err, ErrReadOnly) {
		return nil
	}
	if err != nil {
		return err
	}
	for info, err := range p.store.List(ctx, p.folder) {
		if err != nil {
			return err
		}
		// A listing may lag behind; the object itself does not.
		if _, err := p.store.Head(ctx, info.Name); !errors.Is(err, ErrNotFound) {
			return errors.Join(err, fmt.Errorf("%s: still there after its deletion", info.Name))
		}
	}
	return nil
}
