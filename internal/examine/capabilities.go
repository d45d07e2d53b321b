package examine

import (
	"context"
	"time"

	"firn/internal/object"
)

// capabilities lets the store find out what it can do.
func (e *examination) capabilities(ctx context.Context) {
	if !e.report.Writable || !e.report.Readable {
		for _, step := range []string{StepReplace, StepChecksums} {
			e.skip(step, "it takes writing and reading", "")
		}
		return
	}
	begun := time.Now()
	found, err := object.Learn(ctx, e.Store)
	e.report.Probing = time.Since(begun)
	if err != nil {
		e.doubt(StepReplace, err)
		return
	}
	e.report.Capabilities = found
	if found.IfMatch {
		e.ok(StepReplace, "honoured (If-Match)")
	} else {
		e.ok(StepReplace, "not honoured (If-Match); Firn does without")
	}
	if found.Attests {
		e.ok(StepChecksums, "the drive compares what arrives with its SHA-256")
	} else {
		e.ok(StepChecksums, "the drive does not compare what arrives with its SHA-256; Firn asks for the size of each object instead")
	}
	if e.Bucket == nil || !e.report.Deletable {
		return
	}
	if e.report.DeletesMany = e.Bucket.DeletesMany(); e.report.DeletesMany {
		e.ok(StepMany, "several objects in one request")
	} else {
		e.warn(StepMany, "one object at a time: the server refuses to delete several in one request", "nothing is wrong with that; pruning takes more requests")
	}
}
