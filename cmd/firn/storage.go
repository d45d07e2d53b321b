package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"firn/internal/config"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/s3"
	"firn/internal/repo"
	"firn/internal/storageconfig"
)

// storageRules turns a drive's settings into the rules by which its objects are
// stored; nil for a folder.
func (a *app) storageRules(set *config.Drive) (*storageconfig.Rules, error) {
	if set.Provider != config.S3 {
		return nil, nil
	}
	at, err := set.Resolve()
	if err != nil {
		return nil, usage(err)
	}
	s := storageconfig.Settings{
		Entries: storageEntries(set.StorageClasses),
		Whole: storageconfig.Params{
			Class: set.StorageClass, Encryption: set.SSE, KMSKey: set.SSEKMSKeyID, BucketKey: set.SSEBucketKey, Tags: set.ObjectTags, ACL: set.ACL,
		},
		Archive:  archiveAt(at.Vendor),
		Optional: set.ClassOptional || a.flags.classOptional,
	}
	rules, err := storageconfig.NewRules(s)
	if err != nil {
		return nil, usagef("%s: how objects are to be stored: %w", label(set), err)
	}
	return rules, nil
}

// archiveAt says which storage classes must be thawed at a vendor's: by its table,
// and where that does not know a class, by its name.
func archiveAt(v *config.Vendor) func(class string) bool {
	return func(class string) bool {
		if thaw, known := v.MustThaw(class); known {
			return thaw
		}
		return storageconfig.Archive(class)
	}
}

// openRuled opens a drive's store. Where it is a bucket that may be written to,
// objects are stored by the rules, and ruled is the store that sees to it.
func (a *app) openRuled(ctx context.Context, set *config.Drive, create bool) (store object.Store, ruled func(object.Store) *storageconfig.Store, err error) {
	rules, err := a.storageRules(set)
	if err != nil {
		return nil, nil, err
	}
	if rules == nil || set.ReadOnly {
		store, err = a.openStore(ctx, set, create, nil)
		return store, nil, err
	}
	store, err = a.openStore(ctx, set, create, func(name string) s3.PutParams { return s3.PutParams(rules.Params(name)) })
	if err != nil {
		return nil, nil, err
	}
	bucket := store.(*s3.Store) // what openStore opens for this provider
	return store, func(around object.Store) *storageconfig.Store {
		return rules.Around(around, storageconfig.Watch{Headers: bucket.Headers, Say: a.out.warn, Cache: a.cacheRoot()})
	}, nil
}

// customerKey is the key of a drive's settings for encryption by the server.
func customerKey(ctx context.Context, set *config.Drive) (*s3.CustomerKey, error) {
	key, err := set.CustomerKey(ctx)
	if err != nil {
		return nil, usage(err)
	}
	if key == nil {
		return nil, nil
	}
	return (*s3.CustomerKey)(key), nil
}

// beginStorage settles how objects of a new repository are stored: by the
// .storageconfig that is given, else by the one that is there.
func (a *app) beginStorage(ctx context.Context, d *drive) error {
	if d.storage == nil {
		if d.storageFile != nil {
			return usagef("--storage-config: storage classes are for buckets, and %s is a folder", d.label)
		}
		return nil
	}
	a.tellDataOnly(d)
	a.warnOfRoot(ctx, &d.set)
	if d.storageFile == nil {
		text, err := d.storage.Load(ctx)
		if text != nil {
			a.out.note("objects are stored as the %s there says", format.StorageConfigName)
			a.warnOfStorage(d.storage.Rules().Config(), &d.set)
		}
		return err
	}
	c, err := a.putStorage(ctx, d, d.storageFile)
	if err == nil {
		a.warnOfStorage(c, &d.set)
	}
	return err
}

// putStorage writes a .storageconfig through everything that guards a drive.
func (a *app) putStorage(ctx context.Context, d *drive, text []byte) (*storageconfig.Config, error) {
	c, err := d.storage.Rules().Judge(text)
	if err != nil {
		return nil, usage(err)
	}
	_, err = d.store.Put(ctx, format.StorageConfigName, text, object.PutOptions{})
	return c, err
}

// warnOfStorage tells what deserves attention in a .storageconfig.
func (a *app) warnOfStorage(c *storageconfig.Config, set *config.Drive) {
	for _, r := range remarksOn(c, set) {
		a.out.warn("%s: %s", format.StorageConfigName, r)
	}
}

// remarksOn is what deserves attention in a .storageconfig at a drive.
func remarksOn(c *storageconfig.Config, set *config.Drive) []storageconfig.Remark {
	var classes []string
	if at, err := set.Resolve(); err == nil {
		classes = at.Vendor.Classes
	}
	return c.Notice(classes)
}

// warnOfRoot warns of a .storageconfig at the bucket's root where the drive is
// under a prefix: that one has no effect.
func (a *app) warnOfRoot(ctx context.Context, set *config.Drive) {
	if there := a.storageAtRoot(ctx, set); there {
		a.out.warn("%s at the root of bucket %s has no effect: this drive's belongs under %s", format.StorageConfigName, set.Bucket, set.KeyPrefix())
	}
}

// storageAtRoot says whether there is such a file. Where the root cannot be seen,
// there is none as far as this drive is concerned.
func (a *app) storageAtRoot(ctx context.Context, set *config.Drive) bool {
	if set.Provider != config.S3 || set.KeyPrefix() == "" {
		return false
	}
	c, err := a.s3Config(ctx, set)
	if err != nil {
		return false
	}
	c.Prefix, c.MaxRetries = "", -1
	bucket, err := s3.Open(ctx, c)
	if err != nil {
		return false
	}
	_, err = bucket.Headers(ctx, format.StorageConfigName)
	if err != nil && !errors.Is(err, object.ErrNotFound) {
		a.out.detail("the bucket's root could not be looked at: %v", err)
	}
	return err == nil
}

// packSize is that of new data packs: larger where these must be thawed to be read; 0
// for the default.
func (d *drive) packSize() int {
	if d.storage != nil && d.storage.ArchivesData() {
		return repo.ColdPackSize
	}
	return 0
}

// tellDataOnly says, when a drive is opened to write to it, that an archive class
// for all data is taken for data packs.
func (a *app) tellDataOnly(d *drive) {
	if d.storage != nil && d.storage.Rules().DataOnly() {
		a.out.note("storage class %s is for data packs only: all else must be readable at once", d.set.StorageClass)
	}
}

// readStorageFile reads a .storageconfig that somebody made.
func readStorageFile(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usage(fmt.Errorf("read storage configuration: %w", err))
	}
	return text, nil
}
