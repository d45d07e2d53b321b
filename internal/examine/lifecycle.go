package examine

import (
	"errors"
	"fmt"
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
// be read.
func Archive(class string) bool { return storageconfig.Archive(class) }

// SafeLifecycle says whether a repository under a prefix survives a bucket's
// rules. It does not where a rule deletes objects that are current, or moves
// others than data packs to where they cannot be read. The error wraps
// ErrLifecycle, names the rules, and carries advice.
func SafeLifecycle(rules []s3.LifecycleRule, prefix string) error {
	var harms []string
	for i := range rules {
		if harm := harm(&rules[i], prefix); harm != "" {
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

// harm says what a rule does to a repository under prefix that must not happen.
func harm(r *s3.LifecycleRule, prefix string) string {
	if !applies(r) {
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
		if Archive(t.Class) && rest {
			return fmt.Sprintf("moves objects under %q to %s, and only data packs (%q) may go where they must be thawed",
				r.Prefix, t.Class, prefix+format.PrefixData)
		}
	}
	return ""
}

// applies says whether a rule is in force for objects as Firn writes them,
// which have no tags.
func applies(r *s3.LifecycleRule) bool { return r.Enabled && !r.Tagged }

// meets says whether some key can begin with both.
func meets(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

// concerning returns the rules that apply to objects of a drive.
func concerning(rules []s3.LifecycleRule, prefix string) []s3.LifecycleRule {
	var found []s3.LifecycleRule
	for _, r := range rules {
		if applies(&r) && meets(r.Prefix, prefix) {
			found = append(found, r)
		}
	}
	return found
}

// oldVersionDays returns for how long old versions of all objects of a drive
// are kept, 0 if for ever as far as rules say.
func oldVersionDays(rules []s3.LifecycleRule, prefix string) int {
	days := 0
	for _, r := range rules {
		if applies(&r) && r.NoncurrentDays > 0 && strings.HasPrefix(prefix, r.Prefix) && (days == 0 || r.NoncurrentDays < days) {
			days = r.NoncurrentDays
		}
	}
	return days
}

// coldData says that data packs go to where they must be thawed; "" if they do not.
func coldData(rules []s3.LifecycleRule, prefix string) string {
	for _, r := range rules {
		for _, t := range r.Transitions {
			if Archive(t.Class) && meets(r.Prefix, prefix+format.PrefixData) {
				return fmt.Sprintf("%s moves data packs to %s after %d days", nameOf(&r), t.Class, t.Days)
			}
		}
	}
	return ""
}

func endsUploads(rules []s3.LifecycleRule) bool {
	return slices.ContainsFunc(rules, func(r s3.LifecycleRule) bool { return r.AbortDays > 0 })
}
