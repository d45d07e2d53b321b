package examine

import (
	"context"
	"errors"

	"firn/internal/object"
)

// otherClient tries the other library where the one in use has failed.
func (e *examination) otherClient(ctx context.Context) {
	if e.OtherClient.Open == nil {
		return
	}
	store, err := e.OtherClient.list(ctx)
	if err == nil {
		t := &trial{name: newName(), body: random(4 << 10)}
		if err = t.all(ctx, store); errors.Is(err, object.ErrReadOnly) {
			err = nil
		}
	}
	if err != nil {
		found, _ := explain(err)
		e.skip(StepClient, e.OtherClient.Setting+" fails too: "+found, "")
		return
	}
	e.warn(StepClient, "listing, writing, reading and deleting work with the other library", "set "+e.OtherClient.Setting)
}

// otherStyle tries the other way to address the bucket where it could not be
// listed. A failure says nothing more.
func (e *examination) otherStyle(ctx context.Context) {
	if e.OtherStyle.Open == nil {
		return
	}
	if _, err := e.OtherStyle.list(ctx); err == nil {
		e.warn(StepAddressing, "listing works with the bucket addressed in the other way", "set "+e.OtherStyle.Setting)
	}
}

// list opens the drive and makes a first request.
func (a *Alternative) list(ctx context.Context) (object.Store, error) {
	store, err := a.Open(ctx)
	if err == nil {
		_, err = repositoryThere(ctx, store)
	}
	return store, err
}
