package s3

import (
	"context"
	"errors"
	"time"

	"firn/internal/object"
)

// awaited is how long a new bucket may take to be known everywhere.
const awaited = 2 * time.Minute

// AwaitBucket returns when a bucket that was made just now can be used: until
// its name and its place have got around, DNS may not know its host, and
// servers that have not heard of it answer 404 or 307.
func (s *Store) AwaitBucket(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, awaited)
	defer cancel()
	for n := 1; ; n++ {
		err := s.call(ctx, opList, "", 0, func(ctx context.Context, _ *exchange) error {
			_, err := s.client.list(ctx, s.prefix, "")
			return err
		})
		if !errors.Is(err, object.ErrNoBucket) && !errors.Is(err, object.ErrUnreachable) {
			return err
		}
		if !sleep(ctx, s.pause(n)) {
			return err
		}
	}
}
