package objecttest

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Op names an operation of a Store.
type Op string

// The operations of a Store, and of those that are a Copier or a Thawer too.
const (
	Get      Op = "get"
	GetRange Op = "getrange"
	Put      Op = "put"
	Head     Op = "head"
	Delete   Op = "delete"
	List     Op = "list"
	Copy     Op = "copy"
	Thaw     Op = "thaw"
	Frost    Op = "frost"
	Frosts   Op = "frosts"
)

// Effect is what a Rule does to an operation.
type Effect int

// The effects. Where an error is returned it is Rule.Err.
const (
	// Fail returns the error; nothing is done.
	Fail Effect = iota
	// Lose does the operation and then returns the error: the answer is lost.
	Lose
	// Truncate cuts after Rule.Bytes. Get returns that many bytes as if they
	// were all; Put stores that many and succeeds; GetRange is ErrShort.
	// List yields that many objects and Delete deletes that many names
	// before they return the error.
	Truncate
	// Flip inverts one bit: in what Get or GetRange returns, or in what Put
	// stores, as if it had rotted after the store attested it.
	Flip
	// Wait holds the operation up for Rule.Delay and then lets it happen.
	Wait
	// Stop is a crash: this operation is not done, and it and all later ones
	// fail with ErrStopped.
	Stop
	// StopAfter is Stop, but this operation is done.
	StopAfter
	// Stale makes List show the objects as they were Rule.Lag mutations ago.
	Stale
)

// ErrStopped is the answer of a store that a Stop has ended. It is not
// transient.
var ErrStopped = errors.New("store has stopped")

// Rule says which operations are disturbed, and how. All conditions must
// hold; those left zero always do.
type Rule struct {
	Op   Op     // only this operation
	Name string // only names or prefixes like this; "*" stands for any bytes, "/" included. A Delete matches by any of its names
	At   int    // only the store's At-th operation, counted from 1 over all operations
	Nth  int    // only from the Nth operation on that fits Op, Name and At, counted from 1
	// Times is how often the rule applies at most; 0 is once if Nth is set,
	// else without end.
	Times int
	// Chance is the probability that a fitting operation is disturbed, drawn
	// from the store's seed; 0 means always.
	Chance float64

	Do    Effect
	Err   error         // for Fail, Lose, Truncate; nil means object.ErrUnreachable
	Bytes int           // for Truncate
	Delay time.Duration // for Wait
	Lag   int           // for Stale
}

// String describes the rule's effect for the record of operations.
func (r *Rule) String() string {
	switch r.Do {
	case Fail:
		return "fail"
	case Lose:
		return "lose"
	case Truncate:
		return fmt.Sprintf("truncate %d", r.Bytes)
	case Flip:
		return "flip"
	case Wait:
		return fmt.Sprintf("wait %v", r.Delay)
	case Stop:
		return "stop"
	case StopAfter:
		return "stop after"
	default:
		return fmt.Sprintf("stale %d", r.Lag)
	}
}

// activeRule is a rule with its counters, guarded by the store's lock.
type activeRule struct {
	Rule
	fitted, applied int
}

// applies counts the operation and says whether the rule disturbs it. draw
// yields a number in [0, 1).
func (r *activeRule) applies(number int, op Op, names []string, draw func() float64) bool {
	if r.Op != "" && r.Op != op || r.At != 0 && r.At != number || !r.fits(names) {
		return false
	}
	r.fitted++
	times := r.Times
	if times == 0 && r.Nth > 0 {
		times = 1
	}
	if r.fitted < r.Nth || times > 0 && r.applied >= times {
		return false
	}
	if r.Chance > 0 && draw() >= r.Chance {
		return false
	}
	r.applied++
	return true
}

func (r *activeRule) fits(names []string) bool {
	if r.Name == "" {
		return true
	}
	for _, name := range names {
		if like(r.Name, name) {
			return true
		}
	}
	return false
}

// like says whether name fits pattern, in which "*" stands for any bytes.
func like(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		_, after, found := strings.Cut(name, part)
		if !found {
			return false
		}
		name = after
	}
	return strings.HasSuffix(name, parts[last])
}
