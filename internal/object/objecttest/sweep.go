package objecttest

import (
	"fmt"
	"testing"

	"firn/internal/object"
)

// Sweep runs work once for every one of its store operations, letting the
// store stop for good at that operation: first each undone, then each that
// changes something done with its answer lost. (Done or not is the same for the
// others.) It ends with the run that gets through to its end undisturbed.
//
// fresh returns a store as it is before work. work does the work and returns
// its error; it must come to an end when every call fails with ErrStopped.
// verify is then given the bare store, which works again, and work's error,
// which is nil in the last run at the latest.
func Sweep(t *testing.T, fresh func(t *testing.T) object.Store, work func(t *testing.T, s object.Store) error,
	verify func(t *testing.T, s object.Store, err error)) {
	t.Helper()
	for _, stop := range []Rule{{Do: Stop}, {Do: StopAfter, Op: Put}, {Do: StopAfter, Op: Delete}} {
		stopped, failed := true, false
		for n := 1; stopped && !failed; n++ {
			rule := stop
			rule.Nth = n
			failed = !t.Run(fmt.Sprintf("%v %s %d", &rule, rule.Op, n), func(t *testing.T) {
				inner := fresh(t)
				f := NewFault(inner, 0, rule)
				t.Cleanup(func() { logOperations(t, f) })
				err := work(t, f)
				stopped = f.Stopped()
				if !stopped && err != nil {
					t.Fatalf("the undisturbed run failed: %v", err)
				}
				verify(t, inner, err)
			})
		}
	}
}

func logOperations(t *testing.T, f *Fault) {
	if !t.Failed() {
		return
	}
	for _, op := range f.Operations() {
		t.Log(op)
	}
}
