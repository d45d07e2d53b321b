package examine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/internal/object"
	"firn/internal/object/s3"
)

// fakeBucket answers questions about a bucket.
type fakeBucket struct {
	region                                      string
	versioning                                  s3.Versioning
	lock                                        s3.ObjectLock
	rules                                       []s3.LifecycleRule
	tiers                                       []s3.ArchiveTiers
	regionErr, versioningErr, lockErr, rulesErr error
	tiersErr                                    error
	skew                                        time.Duration
	clockless, oneByOne                         bool
}

func (b *fakeBucket) Region(context.Context) (string, error) { return b.region, b.regionErr }
func (b *fakeBucket) Versioning(context.Context) (s3.Versioning, error) {
	return b.versioning, b.versioningErr
}
func (b *fakeBucket) ObjectLock(context.Context) (s3.ObjectLock, error) { return b.lock, b.lockErr }
func (b *fakeBucket) Lifecycle(context.Context) ([]s3.LifecycleRule, error) {
	return b.rules, b.rulesErr
}
func (b *fakeBucket) ArchiveTiers(context.Context) ([]s3.ArchiveTiers, error) {
	return b.tiers, b.tiersErr
}
func (b *fakeBucket) ServerTime() (time.Time, bool) { return time.Now().Add(b.skew), !b.clockless }
func (b *fakeBucket) DeletesMany() bool             { return !b.oneByOne }

// denying refuses some operations for want of a right.
type denying struct {
	object.Store
	put, get, remove bool
}

func denied(op, name string) error {
	return &object.Error{Op: op, Name: name, Err: object.ErrAccess, Advice: "ask for the right"}
}

func (d denying) Put(ctx context.Context, name string, body []byte, o object.PutOptions) (object.Info, error) {
	if d.put {
		return object.Info{}, denied("put", name)
	}
	return d.Store.Put(ctx, name, body, o)
}

func (d denying) Get(ctx context.Context, name string, limit int64) ([]byte, object.Info, error) {
	if d.get {
		return nil, object.Info{}, denied("get", name)
	}
	return d.Store.Get(ctx, name, limit)
}

func (d denying) Delete(ctx context.Context, names ...string) error {
	if d.remove {
		return denied("delete", names[0])
	}
	return d.Store.Delete(ctx, names...)
}

// ignoring overwrites where it is told not to, as some servers do.
type ignoring struct{ object.Store }

func (i ignoring) Put(ctx context.Context, name string, body []byte, o object.PutOptions) (object.Info, error) {
	o.IfAbsent, o.IfMatch = false, ""
	return i.Store.Put(ctx, name, body, o)
}

// examined runs an examination and returns its steps by name, the last of each.
func examined(t *testing.T, subject Subject) (map[string]Step, *Report) {
	t.Helper()
	told := 0
	r := Drive(t.Context(), subject, func(Step) { told++ })
	steps := map[string]Step{}
	for _, s := range r.Steps {
		if s.Found == "" || strings.Contains(s.Found+s.Advice, "\n") {
			t.Errorf("%s: %q, %q: one line each", s.Name, s.Found, s.Advice)
		}
		if (s.Result == Warning || s.Result == Failed) && s.Advice == "" {
			t.Errorf("%s: nothing is said about what to do: %s", s.Name, s.Found)
		}
		if _, twice := steps[s.Name]; twice {
			t.Errorf("%s is told twice", s.Name)
		}
		steps[s.Name] = s
	}
	if told != len(r.Steps) {
		t.Errorf("%d steps told of %d", told, len(r.Steps))
	}
	return steps, r
}

// expect compares results: "step=result" with words that must be in what was found.
func expect(t *testing.T, steps map[string]Step, name string, result Result, words string) {
	t.Helper()
	s, there := steps[name]
	if !there || s.Result != result || !strings.Contains(s.Found+" / "+s.Advice, words) {
		t.Errorf("%s: %q %q / %q, want %q with %q", name, s.Result, s.Found, s.Advice, result, words)
	}
}

func TestFolder(t *testing.T) {
	store := object.NewMem()
	steps, r := examined(t, Subject{Store: store, Throughput: true})
	for _, name := range []string{StepList, StepLatency, StepWrite, StepRead, StepDelete, StepCreate, StepReplace, StepChecksums, StepThroughput} {
		expect(t, steps, name, OK, "")
	}
	if len(r.Steps) != 9 || r.Result() != OK || r.Err != nil || !r.Writable || !r.Readable || !r.Deletable || r.Up <= 0 || r.Down <= 0 {
		t.Errorf("%+v", r)
	}
	for info, err := range store.List(t.Context(), "") {
		t.Errorf("left behind: %s, %v", info.Name, err)
	}
}

func TestRights(t *testing.T) {
	for _, c := range []struct {
		name   string
		store  object.Store
		result map[string]Result
		err    error
		other  bool // the other library is tried
	}{
		{"no deletion", denying{Store: object.NewMem(), remove: true},
			map[string]Result{StepWrite: OK, StepRead: OK, StepDelete: Warning, StepReplace: OK, StepThroughput: NotTried}, nil, false},
		{"no writing", denying{Store: object.NewMem(), put: true},
			map[string]Result{StepWrite: Failed, StepRead: NotTried, StepDelete: NotTried, StepReplace: NotTried}, object.ErrAccess, true},
		{"no reading", denying{Store: object.NewMem(), get: true},
			map[string]Result{StepWrite: OK, StepRead: Failed, StepDelete: OK, StepChecksums: NotTried}, object.ErrAccess, true},
		{"read-only", object.ReadOnly(object.NewMem()),
			map[string]Result{StepList: OK, StepLatency: OK, StepWrite: NotTried, StepRead: NotTried, StepDelete: NotTried, StepThroughput: NotTried}, nil, false},
		{"conditions ignored", ignoring{object.NewMem()},
			map[string]Result{StepCreate: Warning, StepReplace: OK, StepDelete: OK}, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			tried := false
			steps, r := examined(t, Subject{Store: c.store, Throughput: true, OtherClient: Alternative{"client: minio", func(context.Context) (object.Store, error) {
				tried = true
				return c.store, nil
			}}})
			for name, want := range c.result {
				expect(t, steps, name, want, "")
			}
			if !errors.Is(r.Err, c.err) || (r.Err == nil) != (c.err == nil) {
				t.Errorf("error %v, want %v", r.Err, c.err)
			}
			if tried != c.other {
				t.Errorf("other library tried: %v", tried)
			}
			if c.other {
				expect(t, steps, StepClient, NotTried, "fails too")
			}
		})
	}
}

// TestOtherClient has a store that fails where the same drive works through the
// other library.
func TestOtherClient(t *testing.T) {
	mem := object.NewMem()
	steps, _ := examined(t, Subject{Store: denying{Store: mem, put: true},
		OtherClient: Alternative{"client: minio", func(context.Context) (object.Store, error) { return mem, nil }}})
	expect(t, steps, StepClient, Warning, "set client: minio")

	steps, _ = examined(t, Subject{Store: denying{Store: mem, put: true},
		OtherClient: Alternative{"client: minio", func(context.Context) (object.Store, error) { return nil, errors.New("no such luck") }}})
	expect(t, steps, StepClient, NotTried, "no such luck")
}

// bucketSteps examines what is set up at a bucket.
func bucketSteps(t *testing.T, b *fakeBucket, class string, store object.Store) (map[string]Step, *Report) {
	t.Helper()
	if store == nil {
		store = object.NewMem()
	}
	r := &Report{Writable: true, Readable: true, Deletable: true}
	e := &examination{Subject: Subject{Store: store, Bucket: b, Region: "here", RegionFrom: "region", Prefix: "a/", Class: class}, report: r, tell: func(Step) {}}
	e.bucket(t.Context())
	e.clock(nil)
	steps := map[string]Step{}
	for _, s := range r.Steps {
		steps[s.Name] = s
	}
	return steps, r
}

func TestBucket(t *testing.T) {
	access := &object.Error{Op: "read", Err: fmt.Errorf("%w: 403", object.ErrAccess)}
	forever := []s3.LifecycleRule{{ID: "x", Enabled: true, Prefix: "b/", NoncurrentDays: 3}}
	kept := []s3.LifecycleRule{{ID: "x", Enabled: true, NoncurrentDays: 3, AbortDays: 1}}
	for _, c := range []struct {
		name   string
		bucket fakeBucket
		step   string
		result Result
		words  string
	}{
		{"region agrees", fakeBucket{region: "here"}, StepRegion, OK, "in here"},
		{"region differs", fakeBucket{region: "there"}, StepRegion, Warning, "set region: there"},
		{"region unknown", fakeBucket{}, StepRegion, OK, "does not say"},
		{"clock", fakeBucket{}, StepClock, OK, "agrees"},
		{"clock ahead", fakeBucket{skew: 2 * time.Minute}, StepClock, Warning, "2m0s"},
		{"clock far behind", fakeBucket{skew: -time.Hour}, StepClock, Warning, "1h0m0s"},
		{"clock unknown", fakeBucket{clockless: true}, StepClock, NotTried, ""},
		{"no versions", fakeBucket{}, StepVersions, OK, "not kept"},
		{"versions for ever", fakeBucket{versioning: s3.Versioned, rules: forever}, StepVersions, Warning, "for ever"},
		{"versions for a while", fakeBucket{versioning: s3.Versioned, rules: kept}, StepVersions, OK, "3 days"},
		{"versions suspended", fakeBucket{versioning: s3.Suspended}, StepVersions, Warning, "suspended"},
		{"versions, rules not readable", fakeBucket{versioning: s3.Versioned, rulesErr: access}, StepVersions, Warning, "could not be asked"},
		{"versions not readable", fakeBucket{versioningErr: access}, StepVersions, NotTried, "s3:GetBucketVersioning"},
		{"versions not known", fakeBucket{versioningErr: object.ErrUnsupported}, StepVersions, NotTried, "cannot be asked"},
		{"no lock", fakeBucket{}, StepLock, OK, "not enabled"},
		{"lock", fakeBucket{lock: s3.ObjectLock{Enabled: true}}, StepLock, OK, "without a default"},
		{"lock by default", fakeBucket{lock: s3.ObjectLock{Enabled: true, Mode: "COMPLIANCE", Days: 9}}, StepLock, Warning, "9 days (compliance)"},
		{"lock not readable", fakeBucket{lockErr: access}, StepLock, NotTried, "s3:GetBucketObjectLockConfiguration"},
		{"no rules", fakeBucket{}, StepLifecycle, OK, "unfinished uploads"},
		{"harmless rules", fakeBucket{rules: kept}, StepLifecycle, OK, "one rule concerns"},
		{"rules not readable", fakeBucket{rulesErr: access}, StepLifecycle, NotTried, "s3:GetLifecycleConfiguration"},
		{"rules fail", fakeBucket{rulesErr: errors.New("odd")}, StepLifecycle, NotTried, "odd"},
		{"rules destroy", fakeBucket{rules: []s3.LifecycleRule{{ID: "x", Enabled: true, ExpireDays: 9}}}, StepLifecycle, Failed, "after 9 days"},
		{"rules freeze data", fakeBucket{rules: []s3.LifecycleRule{{ID: "x", Enabled: true, Prefix: "a/p/",
			Transitions: []s3.Transition{{Days: 4, Class: "GLACIER"}}}}}, StepLifecycle, Warning, "GLACIER after 4 days"},
	} {
		t.Run(c.name, func(t *testing.T) {
			steps, r := bucketSteps(t, &c.bucket, "", nil)
			expect(t, steps, c.step, c.result, c.words)
			if (r.Err != nil) != (c.result == Failed) {
				t.Errorf("error %v", r.Err)
			}
		})
	}
}

// classes keeps, drops or changes the class asked for.
type classes struct {
	object.Store
	keep func(string) string
}

func (c classes) Put(ctx context.Context, name string, body []byte, o object.PutOptions) (object.Info, error) {
	o.Class = c.keep(o.Class)
	if o.Class == "refused" {
		return object.Info{}, &object.Error{Op: "put", Name: name, Err: object.ErrUnsupported, Advice: "choose another"}
	}
	return c.Store.Put(ctx, name, body, o)
}

func TestClass(t *testing.T) {
	for _, c := range []struct {
		asked, kept string
		result      Result
		words       string
	}{
		{"COLD", "COLD", OK, "is kept"},
		{"STANDARD", "", OK, "is kept"},
		{"COLD", "", Warning, "dropped"},
		{"COLD", "WARM", Warning, "in WARM"},
		{"COLD", "refused", Failed, "choose another"},
	} {
		steps, _ := bucketSteps(t, &fakeBucket{}, c.asked, classes{object.NewMem(), func(string) string { return c.kept }})
		expect(t, steps, StepClass, c.result, c.words)
	}
	steps, _ := bucketSteps(t, &fakeBucket{}, "", nil)
	if _, there := steps[StepClass]; there {
		t.Error("a class was tried and none is configured")
	}
}

func TestHealth(t *testing.T) {
	mem := object.NewMem()
	if h := HealthOf(t.Context(), mem, false); h.Err != nil || !h.Reachable || !h.Writable || h.Repository {
		t.Errorf("%+v", h)
	}
	if _, err := mem.Put(t.Context(), "firn.repository", []byte("x"), object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if h := HealthOf(t.Context(), object.ReadOnly(mem), true); h.Err != nil || h.Writable || !h.Repository {
		t.Errorf("read-only: %+v", h)
	}
	if h := HealthOf(t.Context(), object.ReadOnly(mem), false); !errors.Is(h.Err, object.ErrReadOnly) || h.Writable {
		t.Errorf("read-only by surprise: %+v", h)
	}
	if h := HealthOf(t.Context(), denying{Store: mem, remove: true}, false); h.Err != nil || !h.Writable {
		t.Errorf("without the right to delete: %+v", h)
	}
	if h := HealthOf(t.Context(), denying{Store: mem, put: true}, false); !errors.Is(h.Err, object.ErrAccess) || !h.Reachable {
		t.Errorf("without the right to write: %+v", h)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if h := HealthOf(ended, mem, false); h.Err == nil || h.Reachable {
		t.Errorf("interrupted: %+v", h)
	}
	var names []string
	for info := range mem.List(t.Context(), "") {
		names = append(names, info.Name)
	}
	if len(names) != 2 || !slices.Contains(names, "firn.repository") { // and the one that could not be deleted
		t.Errorf("there is %v", names)
	}
}
