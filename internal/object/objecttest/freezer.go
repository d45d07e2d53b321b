package objecttest

import (
	"maps"
	"sync"
	"time"

	"firn/internal/object"
)

// Freezer is what S3's archive classes do, by a clock and without the objects:
// which of them are frozen, what a request to thaw one comes to, when a copy is
// there and when it goes. It follows AWS's description of RestoreObject. It is
// safe for concurrent use.
type Freezer struct {
	clock func() time.Time

	mu          sync.Mutex
	delays      map[string]map[object.Tier]time.Duration // guarded by mu; by archive class, or archive tier of Tiering
	noExpedited bool                                     // guarded by mu
	objects     map[string]*resting                      // guarded by mu
}

// Tiering is the class whose objects sink into archive tiers by themselves. A
// copy of them stays, so that it is asked for without days.
const Tiering = "INTELLIGENT_TIERING"

// The archive tiers of Tiering.
const (
	ArchiveAccess     = "ARCHIVE_ACCESS"
	DeepArchiveAccess = "DEEP_ARCHIVE_ACCESS"
)

// Resting is how an object lies.
type Resting struct {
	Class  string    // "" is the store's own choice
	Tier   string    // archive tier, of Tiering; "" if it can be read
	Frozen bool      // it can be read only by a copy
	Asked  bool      // a copy is on its way
	Until  time.Time // when the copy goes; zero if there is none
}

// Readable says whether the object or a copy of it can be read.
func (r Resting) Readable() bool { return !r.Frozen || !r.Until.IsZero() }

// resting is how an object lies, with what will become of it.
type resting struct {
	Resting
	asked object.Tier
	ready time.Time // of the copy that is on its way
	days  int
}

// NewFreezer returns one with the archive classes of AWS, each taking the longest
// that AWS says, and one called ARCHIVE as some other companies have it.
func NewFreezer(clock func() time.Time) *Freezer {
	slow := map[object.Tier]time.Duration{object.Expedited: 5 * time.Minute, object.Standard: 5 * time.Hour, object.Bulk: 12 * time.Hour}
	slower := map[object.Tier]time.Duration{object.Standard: 12 * time.Hour, object.Bulk: 48 * time.Hour}
	return &Freezer{
		clock: clock, objects: map[string]*resting{},
		delays: map[string]map[object.Tier]time.Duration{
			"GLACIER": slow, "ARCHIVE": maps.Clone(slow), ArchiveAccess: maps.Clone(slow),
			"DEEP_ARCHIVE": slower, DeepArchiveAccess: maps.Clone(slower),
		},
	}
}

// Delay sets how long a tier takes from now on, in an archive class or an archive
// tier of Tiering.
func (f *Freezer) Delay(class string, tier object.Tier, d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delays[class][tier] = d
}

// Expedite says whether there is capacity for expedited requests.
func (f *Freezer) Expedite(can bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noExpedited = !can
}

// Archive says that objects of a class can only be read by copies.
func (f *Freezer) Archive(class string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return class != ArchiveAccess && class != DeepArchiveAccess && f.delays[class] != nil
}

// Lay notes that an object was written, or moved, into a class. An archive tier of
// Tiering stands for the class too.
func (f *Freezer) Lay(name, class string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &resting{Resting: Resting{Class: class, Frozen: f.delays[class] != nil}}
	if class == ArchiveAccess || class == DeepArchiveAccess {
		r.Class, r.Tier = Tiering, class
	}
	f.objects[name] = r
}

// Forget notes that an object is gone.
func (f *Freezer) Forget(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.objects, name)
}

// Look returns how an object lies now, and false if it was never laid down.
func (f *Freezer) Look(name string) (Resting, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.objects[name]; r != nil {
		r.settle(f.clock())
		return r.Resting, true
	}
	return Resting{}, false
}

// settle lets happen what is due.
func (r *resting) settle(now time.Time) {
	if r.Asked && !now.Before(r.ready) {
		r.Asked = false
		if r.Class == Tiering {
			r.Tier, r.Frozen = "", false
		} else {
			r.Until = goes(r.ready, r.days)
		}
	}
	if !r.Until.IsZero() && !now.Before(r.Until) {
		r.Until = time.Time{}
	}
}

// goes is when a copy goes that is kept for days from a moment on: at the next
// midnight after them.
func goes(from time.Time, days int) time.Time {
	end := from.UTC().AddDate(0, 0, days)
	midnight := end.Truncate(24 * time.Hour)
	if midnight.Before(end) {
		midnight = midnight.Add(24 * time.Hour)
	}
	return midnight
}
