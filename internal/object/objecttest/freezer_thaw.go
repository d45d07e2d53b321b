package objecttest

import (
	"fmt"
	"net/http"

	"firn/internal/object"
)

// Refusal is S3's answer to a request that it does not take.
type Refusal struct {
	Status        int // of HTTP
	Code, Message string
}

// Error is the answer in one line.
func (r *Refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.Status, r.Code, r.Message) }

// The answers of RestoreObject.
var (
	refusedAbsent   = &Refusal{http.StatusNotFound, "NoSuchKey", "The specified key does not exist."}
	refusedWarm     = &Refusal{http.StatusForbidden, "InvalidObjectState", "Restore is not allowed for the object's current storage class"}
	refusedDays     = &Refusal{http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"}
	refusedTier     = &Refusal{http.StatusBadRequest, "InvalidArgument", "Retrieval option is not supported by this storage class"}
	refusedTwice    = &Refusal{http.StatusConflict, "RestoreAlreadyInProgress", "Object restore is already in progress"}
	refusedCapacity = &Refusal{http.StatusServiceUnavailable, "GlacierExpeditedRetrievalNotAvailable", "Glacier expedited retrievals are currently not available, please try again later"}
)

// rank orders the tiers by speed.
var rank = map[object.Tier]int{object.Bulk: 1, object.Standard: 2, object.Expedited: 3}

// Restore is a request to thaw: taken (http.StatusAccepted), an extension of the copy
// that is there (http.StatusOK), or refused with a *Refusal. The way there can be
// sped up by asking again, with a faster tier. 0 days are none given.
func (f *Freezer) Restore(name string, tier object.Tier, days int) (status int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock()
	r := f.objects[name]
	if r == nil {
		return 0, refusedAbsent
	}
	r.settle(now)
	if !r.Frozen {
		return 0, refusedWarm
	}
	if r.Class == Tiering && days != 0 || r.Class != Tiering && days < 1 {
		return 0, refusedDays
	}
	if !r.Until.IsZero() {
		r.Until = goes(now, days)
		return http.StatusOK, nil
	}
	where := r.Class
	if r.Tier != "" {
		where = r.Tier
	}
	delay, has := f.delays[where][tier]
	switch {
	case !has:
		return 0, refusedTier
	case r.Asked && (where != "GLACIER" || rank[tier] <= rank[r.asked]):
		return 0, refusedTwice
	case tier == object.Expedited && f.noExpedited:
		return 0, refusedCapacity
	}
	ready := now.Add(delay)
	if r.Asked && r.ready.Before(ready) {
		ready = r.ready
	}
	r.Asked, r.asked, r.ready, r.days = true, tier, ready, days
	return http.StatusAccepted, nil
}
