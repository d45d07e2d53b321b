package claim

import (
	"errors"
	"fmt"
	"time"

	"firn/internal/format"
	"firn/internal/object"
)

// ErrHeld means that the directory is somebody else's.
var ErrHeld = errors.New("the directory is claimed by another")

// HeldError says by whom. It is object.ErrReadOnly too: to everybody else the
// drive is one to read from.
type HeldError struct {
	By Claim
	// Why is what keeps the asker out.
	Why string
}

func (e *HeldError) Error() string { return fmt.Sprintf("%s: it belongs to %s", e.Why, e.By) }

// Unwrap returns the sentinels.
func (e *HeldError) Unwrap() []error { return []error{ErrHeld, object.ErrReadOnly} }

// String names whose the directory is, for people.
func (c Claim) String() string {
	text := "repository " + c.Repository.String()[:16]
	if c.Owner != "" {
		text += " of owner " + c.Owner
	}
	text += ", claimed by host " + c.Host
	if c.Exclusive {
		text += " for itself alone"
	}
	return text + " since " + c.Since.Format("2006-01-02 15:04 MST")
}

// unreadable is a claim of which nobody knows what it says. To be safe it keeps
// all from writing.
type unreadable struct{ err error }

func (e *unreadable) Error() string   { return e.err.Error() }
func (e *unreadable) Unwrap() []error { return []error{e.err, object.ErrReadOnly} }

// What can be done about a claim of somebody else.
const (
	adviceHeld    = "to read from it, say read_only: true; to move it to this host and its settings, run 'firn drive takeover'"
	adviceOther   = "name another directory, or, if it was copied or replaced on purpose, run 'firn drive takeover'"
	adviceDamaged = "look at the object, or replace it with 'firn drive takeover'"
)

// Holder is who asks, as the settings of its drive say.
type Holder struct {
	Host      string
	Owner     string // "" if the settings name none
	Exclusive bool   // wants to be the only host that writes
}

// judge says why a claim keeps somebody out, nil if it does not. The zero
// repository stands for one that is not known yet.
func (h *Holder) judge(c *Claim, repository format.ID) *object.Error {
	held := func(why, advice string) *object.Error {
		return &object.Error{Op: "write", Err: &HeldError{*c, why}, Advice: advice}
	}
	var unknown format.ID
	switch {
	case repository != unknown && c.Repository != repository:
		return held("the directory is another repository's", adviceOther)
	case h.Owner != "" && c.Owner != "" && h.Owner != c.Owner:
		return held(fmt.Sprintf("the directory is not owner %s's", h.Owner), adviceHeld)
	case c.Exclusive && c.Host != h.Host:
		return held(fmt.Sprintf("host %s may not write here", h.Host), adviceHeld)
	case h.Exclusive && c.Host != h.Host:
		return held(fmt.Sprintf("host %s cannot have the directory for itself alone", h.Host), adviceHeld)
	}
	return nil
}

// claim returns the claim that the settings ask for.
func (h *Holder) claim(repository format.ID, number uint32, now time.Time) *Claim {
	return &Claim{
		Number: number, Repository: repository, Owner: h.Owner, Host: h.Host, Exclusive: h.Exclusive, Since: now.UTC().Truncate(time.Second),
	}
}

// improve returns the claim to make where the present one, nil for none, says
// less than the settings ask for; nil if it says enough.
func (h *Holder) improve(present *Claim, repository format.ID, now time.Time) *Claim {
	if present == nil {
		if h.Owner == "" && !h.Exclusive {
			return nil // nobody's, and nobody asks that it be anybody's
		}
		return h.claim(repository, 1, now)
	}
	next := *present
	next.Number, next.Since = next.Number+1, now.UTC().Truncate(time.Second)
	next.Exclusive = next.Exclusive || h.Exclusive
	if h.Owner != "" {
		next.Owner = h.Owner
	}
	if next.Owner == present.Owner && next.Exclusive == present.Exclusive {
		return nil
	}
	return &next
}
