package examine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"firn/internal/object"
	"firn/internal/object/s3"
)

// The rights that asking about a bucket takes. Firn works without them.
const (
	rightVersioning = "s3:GetBucketVersioning"
	rightLock       = "s3:GetBucketObjectLockConfiguration"
	rightLifecycle  = "s3:GetLifecycleConfiguration"
	rightTiering    = "s3:GetIntelligentTieringConfiguration"
)

// bucket tells what is set up at the bucket itself.
func (e *examination) bucket(ctx context.Context) {
	e.region(ctx)
	rules, rulesErr := e.Bucket.Lifecycle(ctx)
	e.versions(ctx, rules, rulesErr)
	e.lock(ctx)
	e.storage(ctx)
	e.lifecycle(rules, rulesErr)
	e.tiering(ctx)
	e.classes(ctx)
}

// region tells where the bucket is.
func (e *examination) region(ctx context.Context) {
	e.report.Region = e.Region
	found, err := e.Bucket.Region(ctx)
	signed := fmt.Sprintf("signed for %s (%s)", e.Region, e.RegionFrom)
	if e.Region == "" {
		signed = "none was given"
	}
	switch {
	case err != nil || found == "":
		e.ok(StepRegion, "%s; the server does not say where the bucket is", signed)
	case e.Region != "" && found != e.Region:
		e.report.Region = found
		e.warn(StepRegion, fmt.Sprintf("%s; the bucket is in %s", signed, found), "set region: "+found)
	default:
		e.report.Region = found
		e.ok(StepRegion, "the bucket is in %s; %s", found, signed)
	}
}

// unknown tells of what could not be asked.
func (e *examination) unknown(step string, err error, right string) {
	switch {
	case errors.Is(err, object.ErrAccess):
		e.skip(step, "not permitted to ask: the right "+right+" is missing", "it serves this examination alone, Firn works without it")
	case errors.Is(err, object.ErrUnsupported):
		e.skip(step, "the server cannot be asked", "")
	default:
		found, advice := explain(err)
		e.skip(step, "could not be asked: "+found, advice)
	}
}

// versions tells what becomes of what is overwritten or deleted.
func (e *examination) versions(ctx context.Context, rules []s3.LifecycleRule, rulesErr error) {
	versioning, err := e.Bucket.Versioning(ctx)
	if err != nil && !e.report.Capabilities.Versions {
		e.unknown(StepVersions, err, rightVersioning)
		return
	}
	if err == nil {
		e.report.Capabilities.Versions = versioning == s3.Versioned
	}
	const advice = "'firn drive lifecycle' prints a rule that deletes old versions after some days"
	days := e.ruled().oldVersionDays(rules)
	switch {
	case err == nil && versioning == s3.Unversioned:
		e.ok(StepVersions, "not kept: what is deleted is gone, and frees its space at once")
	case days > 0:
		e.ok(StepVersions, "old versions are kept for %d days", days)
	case rulesErr != nil && !errors.Is(rulesErr, object.ErrUnsupported):
		e.warn(StepVersions, "old versions are kept, and whether for ever could not be asked", advice)
	case versioning == s3.Suspended:
		e.warn(StepVersions, "suspended: new versions are not kept, those from before stay for ever and are paid for", advice)
	default:
		e.warn(StepVersions, "old versions are kept for ever and paid for: pruning frees nothing", advice)
	}
}

// lock tells of Object Lock.
func (e *examination) lock(ctx context.Context) {
	lock, err := e.Bucket.ObjectLock(ctx)
	if err != nil {
		e.unknown(StepLock, err, rightLock)
		return
	}
	e.report.Capabilities.Retain = lock.Enabled
	switch {
	case !lock.Enabled:
		e.ok(StepLock, "not enabled")
	case lock.Mode == "":
		e.ok(StepLock, "enabled, without a default for new objects")
	default:
		span := fmt.Sprintf("%d days", lock.Days)
		if lock.Years > 0 {
			span = fmt.Sprintf("%d years", lock.Years)
		}
		e.warn(StepLock, fmt.Sprintf("enabled: every new object is locked for %s (%s)", span, strings.ToLower(lock.Mode)),
			"what is deleted stays as an old version until its lock ends, and is paid for")
	}
}

// lifecycle tells of the rules by which the server deletes and moves objects.
func (e *examination) lifecycle(rules []s3.LifecycleRule, err error) {
	if err != nil {
		e.unknown(StepLifecycle, err, rightLifecycle)
		return
	}
	if err := SafeLifecycle(rules, e.Prefix, e.Rules); err != nil {
		e.fail(StepLifecycle, err)
		return
	}
	concerned := e.ruled().concerning(rules)
	if cold := e.ruled().coldData(concerned); cold != "" {
		e.warn(StepLifecycle, cold, "restores have to thaw them first, which takes hours and costs money")
		return
	}
	found := fmt.Sprintf("%d rules concern this drive and do no harm", len(concerned))
	switch len(concerned) {
	case 0:
		found = "no rule concerns this drive"
	case 1:
		found = "one rule concerns this drive and does no harm"
	}
	step := Step{Name: StepLifecycle, Result: OK, Found: found}
	if !endsUploads(concerned) {
		step.Advice = "Firn leaves no unfinished uploads, other programs may: 'firn drive lifecycle' prints a rule that ends them"
	}
	e.add(step)
}

// class finds out whether the server keeps a storage class that is configured.
func (e *examination) class(ctx context.Context, class string) {
	if !e.report.Writable {
		e.skip(StepClass, class+": it takes writing", "")
		return
	}
	t := &trial{name: newName(), body: random(1 << 10)}
	_, err := e.Store.Put(ctx, t.name, t.body, object.PutOptions{Class: class})
	if err != nil {
		e.fail(StepClass, err)
		return
	}
	info, err := e.Store.Head(ctx, t.name)
	if dropping := t.drop(ctx, e.Store); err == nil {
		err = dropping
	}
	switch {
	case err != nil:
		e.fail(StepClass, err)
	case info.Class == class, info.Class == "" && class == standard:
		e.ok(StepClass, "%s is kept", class)
	case info.Class == "":
		e.warn(StepClass, class+" is taken and dropped: objects are in the server's own class", "take the class out, or choose another provider")
	default:
		e.warn(StepClass, fmt.Sprintf("%s is taken, and objects are in %s", class, info.Class), "take the class out, or choose another")
	}
}

// standard is the class that servers do not mention.
const standard = "STANDARD"
