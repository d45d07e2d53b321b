package repo

import (
	"fmt"
	"sync"
	"time"
)

// effort decides, where that is left to Firn, whether blocks are compressed harder than usual: when the
// workers mostly wait for the drive, and have the time. It is safe for concurrent use.
type effort struct {
	tell func(string)

	mu      sync.Mutex // guards all below
	more    bool
	waited  time.Duration // of all workers since the last decision, for places in packs
	worked  time.Duration // of all workers since then, compressing
	content int           // bytes compressed since then
	landed  int           // packs that arrived since then
}

const (
	// effortEvery is how much content goes by from one decision to the next, bytes.
	effortEvery = 16 << 20
	// effortLeast is what waiting and work must come to, so that a decision can be made of them.
	effortLeast = time.Second
	// idleShare is the share of waiting from which on blocks are compressed harder. That takes up to four times as
	// long: workers who waited so much will wait less, and will not be what is waited for.
	idleShare = 0.75
	// busyShare is the share of waiting below which harder work is what holds a backup up. It is so far from
	// what more effort leaves of idleShare that effort does not go to and fro.
	busyShare = 0.1
)

// harder reports whether blocks are to be compressed harder than usual.
func (e *effort) harder() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.more
}

// wait notes that workers waited for the drive so long, taken together.
func (e *effort) wait(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waited += d
}

// land notes that a pack has arrived on the drive.
func (e *effort) land() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.landed++
}

// work notes that a worker compressed so many bytes in a time.
func (e *effort) work(d time.Duration, n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.worked += d
	if e.content += n; e.content >= effortEvery {
		e.decide()
	}
}

// settle decides at the end of a session, for the next, and returns what it came to.
func (e *effort) settle() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.decide()
	return e.more
}

// decide goes by what was noted since the last time. The caller holds mu.
func (e *effort) decide() {
	all := e.waited + e.worked
	if all < effortLeast {
		return
	}
	idle, landed := e.waited.Seconds()/all.Seconds(), e.landed
	e.waited, e.worked, e.content, e.landed = 0, 0, 0, 0
	switch {
	case !e.more && idle >= idleShare:
		e.more = true
		e.tell(fmt.Sprintf("compression: better, since the drive was waited for in %.0f %% of the time", 100*idle))
	case e.more && idle < busyShare && landed > 0: // else there was room for packs yet, and nothing to wait for
		e.more = false
		e.tell(fmt.Sprintf("compression: default, since the drive was waited for in only %.0f %% of the time", 100*idle))
	}
}
