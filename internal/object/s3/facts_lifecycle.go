package s3

import (
	"context"
	"encoding/xml"
	"slices"
	"time"
)

// LifecycleRule is one rule by which a server deletes or moves a bucket's
// objects by itself. Counts of days are 0 where the rule does not say.
type LifecycleRule struct {
	ID      string
	Enabled bool
	Prefix  string // of the keys it is about; "" is all
	// Tags are those that objects must have for the rule to be about them; nil for
	// none.
	Tags map[string]string

	ExpireDays  int       // current objects are deleted after so many days,
	ExpireDate  time.Time // or on this day
	Transitions []Transition

	NoncurrentDays int // old versions are deleted so many days after they became old
	AbortDays      int // unfinished uploads are ended after so many days
}

// Expires says that the rule deletes current objects.
func (r *LifecycleRule) Expires() bool { return r.ExpireDays > 0 || !r.ExpireDate.IsZero() }

// Transition moves current objects to a storage class.
type Transition struct {
	Days  int       // after so many days; 0 is at once,
	Date  time.Time // or on this day
	Class string
}

// Lifecycle reads the bucket's lifecycle rules; none if it has none. It takes
// the right s3:GetLifecycleConfiguration.
func (s *Store) Lifecycle(ctx context.Context) ([]LifecycleRule, error) {
	var answer lifecycleXML
	if there, err := s.describe(ctx, documentLifecycle, &answer); err != nil || !there {
		return nil, err
	}
	return answer.rules(), nil
}

// lifecycleXML is a LifecycleConfiguration as servers write it.
type lifecycleXML struct {
	XMLName xml.Name  `xml:"LifecycleConfiguration"`
	Rules   []ruleXML `xml:"Rule"`
}

// rules gives all rules their meaning.
func (l *lifecycleXML) rules() []LifecycleRule {
	rules := make([]LifecycleRule, 0, len(l.Rules))
	for i := range l.Rules {
		if r := &l.Rules[i]; r.Action != nil {
			rules = append(rules, r.ofGoogle()...)
		} else {
			rules = append(rules, r.rule())
		}
	}
	return rules
}

type ruleXML struct {
	ID         string
	Status     string
	Prefix     string // the older form of Filter
	Filter     filterXML
	Expiration struct {
		Days int
		Date string
	}
	Transitions []struct {
		Days         int
		Date         string
		StorageClass string
	} `xml:"Transition"`
	Noncurrent struct {
		Days int `xml:"NoncurrentDays"`
	} `xml:"NoncurrentVersionExpiration"`
	Abort struct {
		Days int `xml:"DaysAfterInitiation"`
	} `xml:"AbortIncompleteMultipartUpload"`

	// Google's servers have rules of their own form instead.
	Action *struct {
		Delete *struct{}
		Abort  *struct{} `xml:"AbortIncompleteMultipartUpload"`
	}
	Condition struct {
		Age      int
		Prefixes []string `xml:"MatchesPrefix"`
		IsLive   string
		Newer    int `xml:"NumberOfNewerVersions"`
		Old      int `xml:"DaysSinceNoncurrentTime"`
	}
}

// filterXML says which objects a rule is about.
type filterXML struct {
	Prefix string
	Tags   []tagXML `xml:"Tag"`
	And    struct {
		Prefix string
		Tags   []tagXML `xml:"Tag"`
	}
}

type tagXML struct{ Key, Value string }

// tags are all that objects must have.
func (f *filterXML) tags() map[string]string {
	var tags map[string]string
	for _, t := range slices.Concat(f.Tags, f.And.Tags) {
		if tags == nil {
			tags = map[string]string{}
		}
		tags[oneLine(t.Key, 128)] = oneLine(t.Value, 256)
	}
	return tags
}

// ofGoogle gives a rule of Google's form its meaning, as one rule for each prefix.
// Its classes can all be read at once, so that moves among them do not matter.
// Conditions that are not known here confine the rule further.
func (r *ruleXML) ofGoogle() []LifecycleRule {
	rule := LifecycleRule{Enabled: true}
	days := max(r.Condition.Age, r.Condition.Old, 1)
	switch {
	case r.Action.Abort != nil:
		rule.AbortDays = days
	case r.Action.Delete == nil:
		return nil
	case r.Condition.IsLive == "false" || r.Condition.Newer > 0 || r.Condition.Old > 0:
		rule.NoncurrentDays = days
	default:
		rule.ExpireDays = days
	}
	if len(r.Condition.Prefixes) == 0 {
		return []LifecycleRule{rule}
	}
	var rules []LifecycleRule
	for _, rule.Prefix = range r.Condition.Prefixes {
		rules = append(rules, rule)
	}
	return rules
}

// rule gives a rule its meaning.
func (r *ruleXML) rule() LifecycleRule {
	rule := LifecycleRule{
		ID: oneLine(r.ID, 255), Enabled: r.Status == "Enabled", Prefix: r.Prefix + r.Filter.Prefix + r.Filter.And.Prefix, // one of them
		Tags:       r.Filter.tags(),
		ExpireDays: r.Expiration.Days, ExpireDate: dayOf(r.Expiration.Date),
		NoncurrentDays: r.Noncurrent.Days, AbortDays: r.Abort.Days,
	}
	for _, t := range r.Transitions {
		rule.Transitions = append(rule.Transitions, Transition{t.Days, dayOf(t.Date), oneLine(t.StorageClass, 64)})
	}
	return rule
}

// dayOf reads a day of a rule. A day that cannot be read is still one on which
// something happens: the first there is.
func dayOf(text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if day, err := time.Parse(layout, text); err == nil {
			return day
		}
	}
	return time.Unix(0, 0).UTC()
}
