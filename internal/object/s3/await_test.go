package s3_test

import (
	"context"
	"errors"
	"testing"

	"firn/internal/object"
	"firn/internal/object/s3"
)

// TestAwaitBucket: a new bucket that is not known everywhere is waited for, one
// that must not be looked into is not.
func TestAwaitBucket(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		c.MaxRetries = -1
		s := openConfig(t, c)
		f.next(answer(404, "NoSuchBucket"), answer(307, "TemporaryRedirect"), answer(404, "NoSuchBucket"))
		if err := s.AwaitBucket(t.Context()); err != nil {
			t.Error(err)
		}
		if asked := f.log(); len(asked) != 4 {
			t.Errorf("%q", asked)
		}
		f.next(answer(403, "AccessDenied"))
		if err := s.AwaitBucket(t.Context()); !errors.Is(err, object.ErrAccess) {
			t.Error(err)
		}
		f.always(answer(404, "NoSuchBucket"))
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.AwaitBucket(ended); err == nil {
			t.Error("not there, and no error")
		}
	})
}
