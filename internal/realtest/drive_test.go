//go:build unix

package realtest

import (
	"context"
	"testing"

	"firn/internal/object"
	"firn/internal/object/s3"
	"firn/internal/object/s3/s3test"
)

// drive is a place for a repository, as the program is told of it and as a store.
type drive struct {
	name string
	init []string // flags that making a repository there takes
	env  []string // what reaches it
	open func(context.Context) (store object.Store, done func() error, err error)
}

// bucket returns a new bucket on a real server.
func bucket(t *testing.T, kind string) drive {
	t.Helper()
	server := s3test.Start(t, kind)
	c := s3.Config{
		Endpoint: server.Endpoint, Region: server.Region, AccessKey: server.AccessKey, SecretKey: server.SecretKey,
		Bucket: s3test.NewBucket(), Prefix: "backups", Proxy: "none",
	}
	return drive{
		name: "s3://" + c.Bucket + "/" + c.Prefix + "?endpoint=" + server.Endpoint + "&region=" + server.Region,
		init: []string{"--create-bucket"},
		env:  []string{"AWS_ACCESS_KEY_ID=" + server.AccessKey, "AWS_SECRET_ACCESS_KEY=" + server.SecretKey},
		open: func(ctx context.Context) (object.Store, func() error, error) {
			s, err := s3.Open(ctx, c)
			if err != nil {
				return nil, nil, err
			}
			return s, func() error { s.Close(); return nil }, nil
		},
	}
}

// folderAt returns a folder as a drive.
func folderAt(path string) drive {
	return drive{name: path, open: func(context.Context) (object.Store, func() error, error) {
		s, err := object.OpenDir(path, false)
		return s, func() error { return nil }, err
	}}
}
