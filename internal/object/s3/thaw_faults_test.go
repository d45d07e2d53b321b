package s3_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"firn/internal/object"
	"firn/internal/object/s3/s3test"
)

// thaws are what can be done about frozen objects: each through a proxy that makes
// faults, on p/frozen in GLACIER and p/warm.
var thaws = map[string]struct {
	kind s3test.Kind
	do   func(ctx context.Context, a archive) error
	done func(a archive) bool
}{
	"thaw": {s3test.Restore, func(ctx context.Context, a archive) error {
		return a.Thaw(ctx, "p/frozen", object.ThawRequest{Tier: object.Bulk, Days: 2})
	}, func(a archive) bool {
		lies, _ := a.server.Look(a.name("p/frozen"))
		return lies.Asked
	}},
	"frost": {s3test.Head, func(ctx context.Context, a archive) error {
		f, err := a.Frost(ctx, "p/frozen")
		return errors.Join(err, unless(err, falseUnless(f.Frozen && f.Class == "GLACIER" && f.Size == 6)))
	}, nil},
	"frosts": {s3test.List, func(ctx context.Context, a archive) error {
		found := map[string]bool{}
		for f, err := range a.Frosts(ctx, "p/") {
			if err != nil {
				return err
			}
			found[f.Name] = f.Frozen
		}
		return falseUnless(maps.Equal(found, map[string]bool{"p/frozen": true, "p/warm": false}))
	}, nil},
	"copy": {s3test.Copy, func(ctx context.Context, a archive) error {
		info, err := a.Head(ctx, "p/warm")
		return errors.Join(err, a.Copy(ctx, "p/warm", object.CopyOptions{Class: "STANDARD_IA", IfMatch: info.ETag}))
	}, func(a archive) bool {
		lies, _ := a.server.Look(a.name("p/warm"))
		return lies.Class == "STANDARD_IA"
	}},
}

func falseUnless(truth bool) error {
	if truth {
		return nil
	}
	return errFalse
}

// name is an object as the server with archive classes knows it.
func (a archive) name(name string) string {
	return a.config.Bucket + "/" + a.config.Prefix + "/" + name
}

// eachThawSpoilt does each thing about frozen objects under each fault, which the
// next requests meet, as many as times says.
func eachThawSpoilt(t *testing.T, times, retries int, test func(t *testing.T, err error, done func() bool)) {
	for _, client := range clients {
		a := openArchive(t, s3test.Versity, client)
		p := s3test.NewProxy(t, a.server.Server)
		c := a.config
		c.Endpoint, c.MaxRetries = p.Endpoint, retries
		through := archive{openConfig(t, c), c, a.server, a.clock}
		for _, verb := range slices.Sorted(maps.Keys(thaws)) {
			d := thaws[verb]
			for _, name := range slices.Sorted(maps.Keys(spoilt)) {
				f := spoilt[name]
				if name == trickle || name == silence || f.kinds != nil && !slices.Contains(f.kinds, d.kind) {
					continue
				}
				t.Run(client+"/"+verb+"/"+name, func(t *testing.T) {
					for name, class := range map[string]string{"p/frozen": "GLACIER", "p/warm": ""} {
						if _, err := a.Put(t.Context(), name, []byte("123456"), object.PutOptions{Class: class}); err != nil {
							t.Fatal(err)
						}
					}
					p.Next(times, f.fault, d.kind)
					defer p.Calm()
					test(t, d.do(t.Context(), through), func() bool { return d.done == nil || d.done(a) })
				})
			}
		}
		if vain := a.server.Vain(); len(vain) > 0 {
			t.Errorf("read in vain: %q", vain)
		}
	}
}

// TestThawFaultIsOvercome meets each fault once.
func TestThawFaultIsOvercome(t *testing.T) {
	eachThawSpoilt(t, 1, 3, func(t *testing.T, err error, done func() bool) {
		if err != nil || !done() {
			t.Errorf("%v; done: %v", err, done())
		}
	})
}

// TestLastingThawFaultIsReported meets each fault each time: what is reported as
// done is done, and an error comes with advice and says nothing false.
func TestLastingThawFaultIsReported(t *testing.T) {
	eachThawSpoilt(t, -1, 1, func(t *testing.T, err error, done func() bool) {
		var failed *object.Error
		switch {
		case errors.Is(err, errFalse), err == nil && !done():
			t.Errorf("something false was reported: %v", err)
		case err == nil:
		case !errors.As(err, &failed) || failed.Advice == "":
			t.Errorf("no advice comes with: %v", err)
		case errors.Is(err, object.ErrNotFound), errors.Is(err, object.ErrChanged), errors.Is(err, object.ErrFrozen), errors.Is(err, object.ErrUnsupported):
			t.Errorf("says what it cannot know: %v", err)
		}
	})
}

// TestThawThrottled asks for many copies at once from a server that takes few at a
// time.
func TestThawThrottled(t *testing.T) {
	for _, client := range clients {
		t.Run(client, func(t *testing.T) {
			a := openArchive(t, s3test.Versity, client)
			c := a.config
			c.Timeouts.SlowDown = time.Minute
			s := openConfig(t, c)
			const n = 60
			for i := range n {
				if _, err := s.Put(t.Context(), fmt.Sprintf("p/%02d", i), nil, object.PutOptions{Class: "DEEP_ARCHIVE"}); err != nil {
					t.Fatal(err)
				}
			}
			a.server.Limit(s3test.Restore, 4, 10*time.Millisecond)
			var all sync.WaitGroup
			for i := range n {
				all.Go(func() {
					if err := s.Thaw(t.Context(), fmt.Sprintf("p/%02d", i), object.ThawRequest{Tier: object.Bulk, Days: 1, Class: "DEEP_ARCHIVE"}); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			asked, refused := 0, 0
			for f, err := range s.Frosts(t.Context(), "p/") {
				if err == nil && f.Asked {
					asked++
				}
			}
			for _, r := range a.server.Requests() {
				if r.Code == "SlowDown" {
					refused++
				}
			}
			if asked != n || refused == 0 {
				t.Errorf("%d of %d are on their way, %d requests were refused", asked, n, refused)
			}
		})
	}
}

// TestHiddenRestores finds out that listings do not tell of copies as soon as it is
// known that there is one.
func TestHiddenRestores(t *testing.T) {
	for _, client := range clients {
		t.Run(client, func(t *testing.T) {
			a := openArchive(t, s3test.Versity, client)
			a.server.Hide()
			if _, err := a.Put(t.Context(), "p/a", nil, object.PutOptions{Class: "GLACIER"}); err != nil {
				t.Fatal(err)
			}
			frosts := func(s *archive) (found int, err error) {
				for _, err := range s.Frosts(t.Context(), "p/") {
					if err != nil {
						return found, err
					}
					found++
				}
				return found, nil
			}
			if n, err := frosts(&a); n != 1 || err != nil {
				t.Fatalf("with nothing thawed: %d, %v", n, err)
			}
			if err := a.Thaw(t.Context(), "p/a", object.ThawRequest{Tier: object.Standard, Days: 1}); err != nil {
				t.Fatal(err)
			}
			other := archive{openConfig(t, a.config), a.config, a.server, a.clock}
			if f, err := other.Frost(t.Context(), "p/a"); !f.Asked || err != nil {
				t.Fatalf("%+v, %v", f, err)
			}
			for _, s := range []*archive{&a, &other} {
				for range 2 {
					if n, err := frosts(s); n != 0 || !errors.Is(err, object.ErrUnsupported) {
						t.Errorf("with one thawed: %d, %v", n, err)
					}
				}
			}
		})
	}
}
