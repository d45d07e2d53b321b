// Package examine finds out whether a drive can be reached and used, what it can
// do, and what is wrong with it in words that say how to mend it. It also knows
// what a drive needs from its provider: the least rights and safe lifecycle rules.
//
// Invariants: what it finds out is tried, not taken from a list; what it writes
// lies under "probe/" and is deleted again as far as that is permitted; a right
// that is missing is told and stops nothing that works without it; no secret is
// in what it tells.
//
// Its user is cmd/firn: drive check, drive lifecycle, drive policy, health and,
// for the refusal of dangerous lifecycle rules, init.
package examine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"firn/internal/object"
	"firn/internal/object/s3"
	"firn/internal/storageconfig"
)

// Result is how a step of an examination ended.
type Result string

// The results, from good to bad.
const (
	OK       Result = "ok"
	NotTried Result = "not_tried" // it could not be tried, or was not to be
	Warning  Result = "warning"
	Failed   Result = "error"
)

// The steps of an examination, as output names them. Not every drive has all.
const (
	StepKeys        = "keys"
	StepName        = "name"
	StepConnection  = "connection"
	StepCertificate = "certificate"
	StepList        = "list"
	StepRegion      = "region"
	StepClock       = "clock"
	StepLatency     = "latency"
	StepWrite       = "write"
	StepRead        = "read"
	StepDelete      = "delete"
	StepCreate      = "create_only"
	StepReplace     = "replace_only"
	StepChecksums   = "checksums"
	StepMany        = "delete_many"
	StepVersions    = "versions"
	StepLock        = "object_lock"
	StepStorage     = "storage_config"
	StepLifecycle   = "lifecycle"
	StepTiering     = "archive_tiers"
	StepClass       = "storage_class"
	StepThroughput  = "throughput"
	StepAddressing  = "addressing"
	StepClient      = "client"
)

// Step is one thing that was examined.
type Step struct {
	Name   string // one of the constants
	Result Result
	Found  string // what was found, one line
	Advice string // what to do about it, one line; "" if nothing
}

// Bucket is what can be asked about a bucket itself. *s3.Store is one.
type Bucket interface {
	Region(context.Context) (string, error)
	Versioning(context.Context) (s3.Versioning, error)
	ObjectLock(context.Context) (s3.ObjectLock, error)
	Lifecycle(context.Context) ([]s3.LifecycleRule, error)
	ArchiveTiers(context.Context) ([]s3.ArchiveTiers, error)
	ServerTime() (time.Time, bool)
	DeletesMany() bool
}

// Subject is a drive to be examined.
type Subject struct {
	// Store is the drive. Nothing has been asked of it before, so that the first
	// request shows the whole way to the server.
	Store object.Store
	// Bucket is nil for a folder.
	Bucket Bucket
	// Keys says where the keys of a bucket come from.
	Keys string
	// Region is what requests are signed for, and RegionFrom why.
	Region, RegionFrom string
	// Prefix is what all keys in the bucket begin with: "" or ending in "/".
	Prefix string
	// Class is the storage class that is configured; "" for none.
	Class string
	// Rules say how objects are stored by the drive's settings; the .storageconfig
	// comes into them. nil where settings cannot say it.
	Rules *storageconfig.Rules
	// Classes are the provider's, as far as known; empty for not known.
	Classes []string
	// OtherClient is the same drive through the other library for requests, and
	// OtherStyle with its bucket addressed in the other way. Each is tried where
	// that may help.
	OtherClient, OtherStyle Alternative
	// Throughput asks for measuring it, which moves up to some 100 MB each way.
	Throughput bool
}

// Alternative is a drive with one setting changed.
type Alternative struct {
	Setting string                                      // "client: minio"
	Open    func(context.Context) (object.Store, error) // nil if there is no such drive
}

// Report is what an examination found.
type Report struct {
	Steps        []Step
	Capabilities object.Capabilities
	Repository   bool // one is there
	Writable     bool
	Readable     bool
	Deletable    bool
	DeletesMany  bool
	Region       string        // "" if not known
	Listing      time.Duration // of the first listing, with the way to the server
	Probing      time.Duration // of finding out the capabilities
	Latency      time.Duration // of a small request, the median; 0 if not measured
	Skew         time.Duration // of the drive's clock against this machine's
	Up, Down     float64       // bytes per second over one connection; 0 if not measured

	// Err is the first thing that keeps Firn from using the drive, nil if nothing does.
	Err error
}

// Count returns how many steps ended so.
func (r *Report) Count(result Result) int {
	n := 0
	for _, s := range r.Steps {
		if s.Result == result {
			n++
		}
	}
	return n
}

// Result is the worst result of all steps that were tried.
func (r *Report) Result() Result {
	switch {
	case r.Count(Failed) > 0:
		return Failed
	case r.Count(Warning) > 0:
		return Warning
	}
	return OK
}

// Drive examines a drive and calls tell after each step.
func Drive(ctx context.Context, subject Subject, tell func(Step)) *Report {
	e := &examination{Subject: subject, report: &Report{}, tell: tell}
	if e.Bucket != nil {
		e.ok(StepKeys, "from %s", e.Keys)
	}
	usable := e.reach(ctx)
	if usable {
		e.latency(ctx)
		e.objects(ctx)
		e.capabilities(ctx)
		if e.Bucket != nil {
			e.bucket(ctx)
		}
		e.throughput(ctx)
	} else {
		e.otherStyle(ctx)
	}
	if e.suspicious {
		e.otherClient(ctx)
	}
	return e.report
}

// examination is one under way.
type examination struct {
	Subject
	report     *Report
	tell       func(Step)
	suspicious bool // something failed at which the library may be to blame
}

func (e *examination) add(s Step) {
	e.report.Steps = append(e.report.Steps, s)
	e.tell(s)
}

func (e *examination) ok(name, format string, args ...any) {
	e.add(Step{Name: name, Result: OK, Found: fmt.Sprintf(format, args...)})
}

func (e *examination) warn(name, found, advice string) {
	e.add(Step{Name: name, Result: Warning, Found: found, Advice: advice})
}

// skip tells of what was not tried.
func (e *examination) skip(name, why, advice string) {
	e.add(Step{Name: name, Result: NotTried, Found: why, Advice: advice})
}

// fail tells of what does not work.
func (e *examination) fail(name string, err error) {
	found, advice := explain(err)
	e.failAs(Step{Name: name, Found: found, Advice: advice}, err)
}

// failAs is fail in words of its own.
func (e *examination) failAs(s Step, err error) {
	s.Result = Failed
	if s.Advice == "" {
		s.Advice = "look closer with --debug: the provider finds out more by the request ID"
	}
	e.add(s)
	if e.report.Err == nil {
		e.report.Err = err
	}
}

// doubt is fail for what another library might do better.
func (e *examination) doubt(name string, err error) {
	e.fail(name, err)
	e.suspicious = true
}

// explain takes a store's error apart: what was the matter, without the name of
// the object, and what to do.
func explain(err error) (found, advice string) {
	var of *object.Error
	if errors.As(err, &of) {
		return of.Err.Error(), of.Advice
	}
	return err.Error(), ""
}
