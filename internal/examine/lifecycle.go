package examine

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/s3"
	"firn/internal/storageconfig"
)

// ErrLifecycle means that a bucket's own rules would destroy a repository, or
// make it unreadable.
var ErrLifecycle = errors.New("the bucket's lifecycle rules would destroy a repository")

// vital is what the names of a repository's objects begin with, data packs apart.
// All of it is read in every run.
var vital = []string{
	"firn.", format.StorageConfigName, format.PrefixKeys, format.PrefixMeta, format.PrefixSegments,
	format.PrefixSessions, format.PrefixHeartbeats, format.PrefixManifests, format.PrefixRecords,
}

// Archive says that objects of a storage class must be thawed before they can
// be read, by what the class is called.
func Archive(class string) bool { return storageconfig.Archive(class) }

// ruled is a drive as a bucket's own rules see it.
type ruled struct {
	prefix string               // of its keys
	how    *storageconfig.Rules // how its objects are stored; nil: without tags
}

// SafeLifecycle says whether a repository under a prefix survives a bucket's
// rules. It does not where a rule deletes objects that are current, or moves
// others than data packs to where they cannot be read. how says how its objects
// are stored, since rules may be confined to tags; nil: without any. The error
// wraps ErrLifecycle, names the rules, and carries advice.
func SafeLifecycle(rules []s3.LifecycleRule, prefix string, how *storageconfig.Rules) error {
	d := ruled{prefix, how}
	var harms []string
	for i := range rules {
		if harm := d.harm(&rules[i]); harm != "" {
			harms = append(harms, nameOf(&rules[i])+" "+harm)
		}
	}
	if len(harms) == 0 {
		return nil
	}
	return &object.Error{
		Op: "look at lifecycle", Err: fmt.Errorf("%w: %s", ErrLifecycle, strings.Join(harms, "; ")),
		Advice: "remove the rule or confine it to another prefix: firn forget and firn prune delete what is not needed, 'firn drive lifecycle' prints rules that are safe",
	}
}

// nameOf is how a rule is called; it need not have a name.
func nameOf(r *s3.LifecycleRule) string {
	if r.ID == "" {
		return "a rule without a name"
	}
	return fmt.Sprintf("rule %q", r.ID)
}

// harm says what a rule does to a repository that must not happen.
func (d ruled) harm(r *s3.LifecycleRule) string {
	prefix := d.prefix
	if !d.applies(r) {
		return ""
	}
	data := meets(r.Prefix, prefix+format.PrefixData)
	rest := slices.ContainsFunc(vital, func(name string) bool { return meets(r.Prefix, prefix+name) })
	if r.Expires() && (data || rest) {
		if r.ExpireDays > 0 {
			return fmt.Sprintf("deletes objects under %q after %d days", r.Prefix, r.ExpireDays)
		}
		return fmt.Sprintf("deletes objects under %q on %s", r.Prefix, r.ExpireDate.Format("2006-01-02"))
	}
	for _, t := range r.Transitions {
		if d.mustThaw(t.Class) && rest {
			return fmt.Sprintf("moves objects under %q to %s, and only data packs (%q) may go where they must be thawed",
				r.Prefix, t.Class, prefix+format.PrefixData)
		}
	}
	return ""
}

// applies says whether a rule is in force for objects as Firn writes them here.
func (d ruled) applies(r *s3.LifecycleRule) bool { return r.Enabled && d.carries(r.Tags) }

// carries says whether objects of the drive are written with all of these tags.
func (d ruled) carries(tags map[string]string) bool {
	if len(tags) == 0 {
		return true
	}
	if d.how == nil {
		return false
	}
	return slices.ContainsFunc(d.how.TagSets(), func(set string) bool {
		given, err := url.ParseQuery(set)
		for key, value := range tags {
			if err != nil || !slices.Contains(given[key], value) {
				return false
			}
		}
		return true
	})
}

// mustThaw says which classes must be thawed.
func (d ruled) mustThaw(class string) bool {
	if d.how == nil {
		return Archive(class)
	}
	return d.how.MustThaw(class)
}

// meets says whether some key can begin with both.
func meets(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

// concerning returns the rules that apply to objects of a drive.
func (d ruled) concerning(rules []s3.LifecycleRule) []s3.LifecycleRule {
	var found []s3.LifecycleRule
	for _, r := range rules {
		if d.applies(&r) && meets(r.Prefix, d.prefix) {
			found = append(found, r)
		}
	}
	return found
}

// oldVersionDays returns for how long old versions of all objects of a drive
// are kept, 0 if for ever as far as rules say.
func (d ruled) oldVersionDays(rules []s3.LifecycleRule) int {
	days := 0
	for _, r := range rules {
		if d.applies(&r) && r.NoncurrentDays > 0 && strings.HasPrefix(d.prefix, r.Prefix) && (days == 0 || r.NoncurrentDays < days) {
			days = r.NoncurrentDays
		}
	}
	return days
}

// coldData says that data packs go to where they must be thawed; "" if they do not.
func (d ruled) coldData(rules []s3.LifecycleRule) string {
	for _, r := range rules {
		for _, t := range r.Transitions {
			if d.mustThaw(t.Class) && meets(r.Prefix, d.prefix+format.PrefixData) {
				return fmt.Sprintf("%s moves data packs to %s after %d days", nameOf(&r), t.Class, t.Days)
			}
		}
	}
	return ""
}

func endsUploads(rules []s3.LifecycleRule) bool {
	return slices.ContainsFunc(rules, func(r s3.LifecycleRule) bool { return r.AbortDays > 0 })
}
