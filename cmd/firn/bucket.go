package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"firn/internal/config"
	"firn/internal/object"
	"firn/internal/object/s3"
)

// createBucket makes a drive's bucket and waits until it can be used.
func (a *app) createBucket(ctx context.Context, store *s3.Store, set *config.Drive, accountID string) error {
	err := store.CreateBucket(ctx, set.LocationConstraint)
	if errors.Is(err, object.ErrExists) {
		return advise(err, "bucket names are shared with everybody who uses the server, and this one is somebody else's: try %s",
			strings.Join(config.SuggestBucketNames(set.Bucket, accountID), " or "))
	}
	if err != nil {
		return err
	}
	a.out.note("bucket %s is there", set.Bucket)
	return store.AwaitBucket(ctx)
}

// lookInto connects to a drive that is to get a repository and says whether it
// has one. A bucket that is not there is created, if that is wanted.
func (a *app) lookInto(ctx context.Context, set *config.Drive) (d *drive, there bool, err error) {
	if d, err = a.connect(ctx, set, true); err != nil {
		return nil, false, err
	}
	there, err = hasRepository(ctx, d.store)
	switch {
	case set.Provider != config.S3 || err == nil:
	case errors.Is(err, object.ErrAccess) && config.CommonBucketName(set.Bucket):
		err = advise(err, "the bucket may be somebody else's, since so plain a name is mostly taken: try another, such as %s; "+
			"if it is yours, its policy or that of the keys denies this", strings.Join(config.SuggestBucketNames(set.Bucket, ""), " or "))
	case errors.Is(err, object.ErrNoBucket):
		return a.offerBucket(ctx, set, err)
	}
	return d, there, err
}

// offerBucket creates the bucket that is missing, if somebody is there to want it.
func (a *app) offerBucket(ctx context.Context, set *config.Drive, missing error) (*drive, bool, error) {
	if !a.interactive() {
		return nil, false, advise(missing, "create the bucket, or let Firn do it with --create-bucket (create_bucket=true in a URL or the configuration)")
	}
	create, err := a.dialogue().yes(fmt.Sprintf("there is no bucket %s; create it?", set.Bucket))
	if err != nil || !create {
		return nil, false, errors.Join(err, missing)
	}
	creating := *set
	creating.CreateBucket = true
	if err := config.CheckBucketName(set.Bucket); err != nil {
		return nil, false, usagef("create bucket: %w", err)
	}
	d, err := a.connect(ctx, &creating, true)
	if err != nil {
		return nil, false, err
	}
	d.set = *set // it exists from now on
	there, err := hasRepository(ctx, d.store)
	return d, there, err
}
