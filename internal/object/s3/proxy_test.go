package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/internal/object"
	"firn/internal/object/s3"
	"firn/internal/object/s3/s3test"
)

// The timeouts of tests in which nothing may wait for long.
var hasty = s3.Timeouts{
	Connect: time.Second, Request: time.Second, Stall: time.Second, Rate: 2 << 20,
	Pause: time.Millisecond, Longest: 5 * time.Millisecond, SlowDown: 100 * time.Millisecond,
}

// spoilt are the faults of the proxy, and the operations they can meet; all if
// none is named.
var spoilt = map[string]struct {
	fault s3test.Fault
	kinds []s3test.Kind
}{
	"reset before the body":   {s3test.ResetBefore, nil},
	"reset within the body":   {s3test.ResetWithin, []s3test.Kind{s3test.Put}},
	"answer lost":             {s3test.ResetAfter, nil},
	"answer breaks off":       {s3test.HalfAnswer, nil},
	"500":                     {s3test.Refuse(500, "InternalError", ""), nil},
	"500 after the write":     {s3test.ErrorAfter, nil},
	"503 SlowDown":            {s3test.Refuse(503, "SlowDown", ""), nil},
	"429 with Retry-After":    {s3test.Refuse(429, "TooManyRequests", "0"), nil},
	"200 with an error":       {s3test.ErrorIn200, []s3test.Kind{s3test.Get, s3test.Put, s3test.Delete, s3test.DeleteMany, s3test.List, s3test.Restore, s3test.Copy}},
	"200 of a proxy's page":   {s3test.Page, nil},
	trickle:                   {s3test.Trickle(20 * time.Millisecond), []s3test.Kind{s3test.Get, s3test.List}},
	silence:                   {s3test.Silence, nil},
	"307":                     {s3test.Redirect, nil},
	"bit flipped on the way":  {s3test.FlipSent, []s3test.Kind{s3test.Put, s3test.DeleteMany}},
	"wrong checksum answered": {s3test.WrongChecksum, []s3test.Kind{s3test.Put}},
	"listing cut":             {s3test.CutList, []s3test.Kind{s3test.List}},
	"listing without an end":  {s3test.EndlessList, []s3test.Kind{s3test.List}},
	"listing repeated":        {s3test.RepeatedList, []s3test.Kind{s3test.List}},
}

// The faults that take their time. What decides about them is here and not in
// servers: they are met on one server and by few operations.
const (
	trickle = "trickle"
	silence = "no answer"
)

// deed is an operation on a drive that holds old and older, and what must be
// true of the drive behind the proxy if it has succeeded.
type deed struct {
	kind s3test.Kind
	do   func(ctx context.Context, s object.Store, tag string) error
	done func(ctx context.Context, behind object.Store) error
}

var newBody = []byte(strings.Repeat("new body ", 20_000)) // more than a socket buffer takes at once

var deeds = map[string]deed{
	"put": {s3test.Put, func(ctx context.Context, s object.Store, _ string) error {
		_, err := s.Put(ctx, "new", newBody, object.PutOptions{})
		return err
	}, has("new", newBody)},
	"create": {s3test.Put, func(ctx context.Context, s object.Store, _ string) error {
		_, err := s.Put(ctx, "new", newBody, object.PutOptions{IfAbsent: true})
		return err
	}, has("new", newBody)},
	"replace": {s3test.Put, func(ctx context.Context, s object.Store, tag string) error {
		_, err := s.Put(ctx, "old", newBody, object.PutOptions{IfMatch: tag})
		return err
	}, has("old", newBody)},
	"get": {s3test.Get, func(ctx context.Context, s object.Store, _ string) error {
		got, _, err := s.Get(ctx, "old", 1<<20)
		return errors.Join(err, unless(err, same(got, oldBody)))
	}, has("old", oldBody)},
	"range": {s3test.Get, func(ctx context.Context, s object.Store, _ string) error {
		got := make([]byte, 3000)
		err := s.GetRange(ctx, "old", got, 7)
		return errors.Join(err, unless(err, same(got, oldBody[7:3007])))
	}, has("old", oldBody)},
	"head": {s3test.Head, func(ctx context.Context, s object.Store, _ string) error {
		info, err := s.Head(ctx, "old")
		if err == nil && info.Size != int64(len(oldBody)) {
			return errFalse
		}
		return err
	}, has("old", oldBody)},
	"list": {s3test.List, func(ctx context.Context, s object.Store, _ string) error {
		names, err := list(ctx, s, "")
		slices.Sort(names)
		if err == nil && !slices.Equal(names, []string{"old", "older"}) {
			return errFalse
		}
		return err
	}, has("old", oldBody)},
	"delete": {s3test.Delete, func(ctx context.Context, s object.Store, _ string) error { return s.Delete(ctx, "old") }, lacks("old")},
	"delete many": {s3test.DeleteMany, func(ctx context.Context, s object.Store, _ string) error {
		return s.Delete(ctx, "old", "older")
	}, lacks("old", "older")},
}

// errFalse is a success that is none.
var errFalse = errors.New("something false was reported")

func unless(err, otherwise error) error {
	if err != nil || otherwise == nil {
		return nil
	}
	return errFalse
}

func has(name string, want []byte) func(context.Context, object.Store) error {
	return func(ctx context.Context, behind object.Store) error {
		got, _, err := behind.Get(ctx, name, 1<<20)
		return errors.Join(err, same(got, want))
	}
}

func lacks(names ...string) func(context.Context, object.Store) error {
	return func(ctx context.Context, behind object.Store) error {
		for _, name := range names {
			if _, err := behind.Head(ctx, name); !errors.Is(err, object.ErrNotFound) {
				return fmt.Errorf("%s: %v, want %v", name, err, object.ErrNotFound)
			}
		}
		return nil
	}
}

// onProxies runs a test on every server with every client through a proxy, all at
// a time, and checks that nothing is left running.
func onProxies(t *testing.T, retries int, test func(t *testing.T, p *s3test.Proxy, s, behind *s3.Store)) {
	before := runtime.NumGoroutine()
	t.Run("all", func(t *testing.T) {
		for _, server := range servers {
			for _, client := range clients {
				t.Run(server+"/"+client, func(t *testing.T) {
					t.Parallel()
					real := s3test.Start(t, server)
					c := configOf(real, client)
					behind := open(t, c)
					p := s3test.NewProxy(t, real)
					c.Endpoint, c.Timeouts, c.MaxRetries = p.Endpoint, hasty, retries
					s := openConfig(t, c)
					s.SetCapabilities(object.Capabilities{IfAbsent: true, IfMatch: true, Attests: true})
					test(t, p, s, behind)
				})
			}
		}
	})
	settled(t, before)
}

// prepare makes the drive behind the proxy hold old and older, and returns the
// ETag of old.
func prepare(t *testing.T, behind object.Store) string {
	t.Helper()
	if err := behind.Delete(t.Context(), "new"); err != nil {
		t.Fatal(err)
	}
	if _, err := behind.Put(t.Context(), "older", oldBody, object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	info, err := behind.Put(t.Context(), "old", oldBody, object.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return info.ETag
}

// eachSpoilt runs a test for every operation with every fault it can meet.
func eachSpoilt(t *testing.T, test func(t *testing.T, fault s3test.Fault, d deed)) {
	for _, operation := range slices.Sorted(maps.Keys(deeds)) {
		d := deeds[operation]
		for _, name := range slices.Sorted(maps.Keys(spoilt)) {
			f := spoilt[name]
			if f.kinds != nil && !slices.Contains(f.kinds, d.kind) {
				continue
			}
			slow := name == trickle || name == silence
			if slow && (strings.Contains(t.Name(), s3test.Versity) || !slices.Contains([]string{"put", "get", "list"}, operation)) {
				continue
			}
			t.Run(operation+"/"+name, func(t *testing.T) { test(t, f.fault, d) })
		}
	}
}

// TestOneFaultIsOvercome has each operation meet each fault once.
func TestOneFaultIsOvercome(t *testing.T) {
	onProxies(t, 3, func(t *testing.T, p *s3test.Proxy, s, behind *s3.Store) {
		eachSpoilt(t, func(t *testing.T, fault s3test.Fault, d deed) {
			tag := prepare(t, behind)
			p.Next(1, fault, d.kind)
			defer p.Calm()
			if err := d.do(t.Context(), s, tag); err != nil {
				t.Error(err)
			}
			if err := d.done(t.Context(), behind); err != nil {
				t.Errorf("behind the proxy: %v", err)
			}
		})
		requests, faults := p.Counts()
		t.Logf("%d requests, %d of them spoilt", requests, faults)
	})
}

// TestLastingFaultIsReported has each operation meet each fault each time. It
// must fail in the end, and leave things as they were before or as they would
// be after it.
func TestLastingFaultIsReported(t *testing.T) {
	onProxies(t, 1, func(t *testing.T, p *s3test.Proxy, s, behind *s3.Store) {
		eachSpoilt(t, func(t *testing.T, fault s3test.Fault, d deed) {
			tag := prepare(t, behind)
			p.Next(-1, fault, d.kind)
			defer p.Calm()
			err := d.do(t.Context(), s, tag)
			var failed *object.Error
			switch {
			case errors.Is(err, errFalse):
				t.Error(err)
			case err == nil:
				if err := d.done(t.Context(), behind); err != nil {
					t.Errorf("success, and behind the proxy: %v", err)
				}
			case !errors.As(err, &failed) || failed.Advice == "":
				t.Errorf("no advice comes with: %v", err)
			case errors.Is(err, object.ErrNotFound), errors.Is(err, object.ErrExists), errors.Is(err, object.ErrChanged):
				t.Errorf("says what it cannot know: %v", err)
			}
			intact(t, behind)
		})
	})
}

// intact checks that every object is whole: the old bytes, the new ones, or none.
func intact(t *testing.T, behind object.Store) {
	t.Helper()
	for _, name := range []string{"old", "older", "new"} {
		body, _, err := behind.Get(t.Context(), name, 1<<20)
		if err == nil && !bytes.Equal(body, oldBody) && !bytes.Equal(body, newBody) {
			t.Errorf("%s holds neither the old nor the new bytes", name)
		}
		if err != nil && !errors.Is(err, object.ErrNotFound) {
			t.Error(err)
		}
	}
}

// settled waits until hardly more goroutines run than before: the process that
// runs the servers has some of its own.
func settled(t *testing.T, before int) {
	t.Helper()
	const others = 12
	for range 100 {
		if runtime.NumGoroutine() <= before+others {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// TestConditionsIgnored finds out that a server takes conditions and ignores
// them, and sends none from then on.
func TestConditionsIgnored(t *testing.T) {
	onProxies(t, 3, func(t *testing.T, p *s3test.Proxy, s, behind *s3.Store) {
		prepare(t, behind)
		p.Next(-1, s3test.IgnoreConditions, s3test.Put)
		known, err := s.Probe(t.Context())
		if err != nil || known.IfAbsent || known.IfMatch {
			t.Fatalf("found %+v, %v", known, err)
		}
		for _, opts := range []object.PutOptions{{IfAbsent: true}, {IfMatch: "x"}} {
			if _, err := s.Put(t.Context(), "old", newBody, opts); !errors.Is(err, object.ErrUnsupported) {
				t.Errorf("%+v: %v, want %v", opts, err, object.ErrUnsupported)
			}
		}
		if err := has("old", oldBody)(t.Context(), behind); err != nil {
			t.Error(err)
		}
	})
}

// TestPageIsNoObject takes no page of a proxy for an object.
func TestPageIsNoObject(t *testing.T) {
	onProxies(t, 1, func(t *testing.T, p *s3test.Proxy, s, behind *s3.Store) {
		prepare(t, behind)
		p.Next(-1, s3test.Page, s3test.Head, s3test.Get)
		if info, err := s.Head(t.Context(), "old"); !errors.Is(err, object.ErrUnreachable) {
			t.Errorf("head: %+v, %v", info, err)
		}
		if _, _, err := s.Get(t.Context(), "old", 1<<20); !errors.Is(err, object.ErrUnreachable) {
			t.Errorf("get: %v", err)
		}
	})
}
