package claim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"firn/internal/object"
)

// taking is what it takes to create a claim.
type taking struct {
	store object.Store
	pause time.Duration // for listings to show what was announced
	cache cache
}

const (
	tries     = 6           // at winning where others try at the same time
	decision  = time.Minute // at most, between looking and writing
	cleanTime = 20 * time.Second
)

// errLost means that somebody else has the number.
var errLost = errors.New("somebody else was faster")

// create makes a claim if nobody has its number, else errLost.
func (t *taking) create(ctx context.Context, c *Claim) error {
	body, err := c.encode()
	if err != nil {
		return err
	}
	if t.store.Capabilities().IfAbsent {
		info, err := t.store.Put(ctx, nameOf(c.Number), body, object.PutOptions{IfAbsent: true})
		if errors.Is(err, object.ErrExists) {
			return errLost
		}
		if err == nil {
			info.Name = nameOf(c.Number)
			t.cache.keep(&info, body)
		}
		return err
	}
	for try := 1; try <= tries; try++ {
		alone, err := t.compete(ctx, c.Number, body)
		if alone || err != nil {
			return err
		}
		if err := sleep(ctx, t.pause/2+rand.N(time.Duration(try)*t.pause+1)); err != nil {
			return err
		}
	}
	return fmt.Errorf("claim directory: others try the same all the time: %w", errLost)
}

// compete announces the wish for a number and creates the claim if nobody else
// wishes the same. It is not alone if somebody does.
func (t *taking) compete(ctx context.Context, number uint32, body []byte) (alone bool, err error) {
	own := announcement(number)
	if _, err := t.store.Put(ctx, own, body, object.PutOptions{}); err != nil {
		return false, err
	}
	if err := sleep(ctx, t.pause); err != nil {
		return false, errors.Join(err, t.withdraw(ctx, own))
	}
	looked := time.Now()
	now, err := look(ctx, t.store)
	if err != nil {
		return false, errors.Join(err, t.withdraw(ctx, own))
	}
	others, there := now.wanting(number, own)
	switch {
	case now.number >= number:
		return false, errors.Join(errLost, t.withdraw(ctx, own))
	case !there:
		return false, fmt.Errorf("claim directory: %s was written and is not listed", own)
	case len(others) > 0:
		return false, t.withdraw(ctx, own)
	}
	// The announcement stays from here on, whatever happens: the claim may come
	// to be even if its answer is lost.
	bounded, cancel := context.WithDeadline(ctx, looked.Add(decision))
	defer cancel()
	if _, err := t.store.Put(bounded, nameOf(number), body, object.PutOptions{}); err != nil {
		return false, err
	}
	present, _, err := t.store.Get(ctx, nameOf(number), maxSize)
	if err == nil && !bytes.Equal(present, body) {
		err = errLost
	}
	return err == nil, err
}

// withdraw deletes an announcement. Where that is not allowed it loses its
// force with time.
func (t *taking) withdraw(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTime)
	defer cancel()
	err := t.store.Delete(ctx, name)
	if errors.Is(err, object.ErrAccess) {
		return nil
	}
	return err
}

// look lists the claims.
func look(ctx context.Context, store object.Store) (*standing, error) {
	found := new(standing)
	for info, err := range store.List(ctx, Prefix) {
		if err != nil {
			return nil, fmt.Errorf("look for claims: %w", err)
		}
		found.note(info)
	}
	return found, nil
}

// sleep waits, but not beyond the end of ctx, whose error it returns then.
func sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
