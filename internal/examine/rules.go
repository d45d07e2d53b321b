package examine

import (
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"firn/internal/format"
)

// RuleOptions says which lifecycle rules are wanted for a drive.
type RuleOptions struct {
	Prefix  string   // of the drive's keys: "" or ending in "/"
	Class   string   // storage class that data packs move to; "" for none
	After   int      // days after which they move there
	Keep    int      // days for which old versions are kept, at least 1
	Uploads int      // days after which unfinished uploads are ended, at least 1
	Classes []string // the provider's, as far as known; empty for not known
}

// Rules is a lifecycle configuration in the forms that S3's own tools take: as
// JSON for aws s3api put-bucket-lifecycle-configuration, as XML for others.
type Rules struct {
	XMLName xml.Name `json:"-" xml:"LifecycleConfiguration"`
	Space   string   `json:"-" xml:"xmlns,attr"`
	Rules   []Rule   `xml:"Rule"`
}

// Rule is one rule of a configuration.
type Rule struct {
	ID          string
	Status      string
	Filter      Filter
	Expiration  *MarkerExpiration  `json:",omitempty" xml:",omitempty"`
	Transitions []ClassTransition  `json:",omitempty" xml:"Transition,omitempty"`
	Noncurrent  *VersionExpiration `json:"NoncurrentVersionExpiration,omitempty" xml:"NoncurrentVersionExpiration,omitempty"`
	Abort       *UploadExpiration  `json:"AbortIncompleteMultipartUpload,omitempty" xml:"AbortIncompleteMultipartUpload,omitempty"`
}

// Filter says which keys a rule is about.
type Filter struct{ Prefix string }

// MarkerExpiration removes the marks of deletion behind which nothing is left.
type MarkerExpiration struct{ ExpiredObjectDeleteMarker bool }

// ClassTransition moves objects to a storage class.
type ClassTransition struct {
	Days         int
	StorageClass string
}

// VersionExpiration deletes old versions.
type VersionExpiration struct{ NoncurrentDays int }

// UploadExpiration ends uploads that were never finished.
type UploadExpiration struct{ DaysAfterInitiation int }

var className = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)

// infrequent are the classes that S3 moves nothing to before 30 days.
var infrequent = []string{"STANDARD_IA", "ONEZONE_IA"}

// SafeRules returns rules under which a repository lives well: old versions and
// unfinished uploads go after some days, and if a class is asked for, data packs,
// and only they, move to it.
func SafeRules(o RuleOptions) (*Rules, error) {
	if o.Keep < 1 || o.Uploads < 1 || o.After < 0 {
		return nil, errors.New("lifecycle rules: days are counted from 1")
	}
	if o.Class != "" {
		if err := checkMove(&o); err != nil {
			return nil, fmt.Errorf("lifecycle rules: %w", err)
		}
	}
	of := " of " + o.Prefix
	if o.Prefix == "" {
		of = ""
	}
	// Both in one rule: MinIO, which ends uploads by itself, refuses a rule that says nothing else.
	rules := []Rule{{
		ID: "firn: old versions and unfinished uploads" + of, Filter: Filter{o.Prefix},
		Expiration: &MarkerExpiration{true}, Noncurrent: &VersionExpiration{o.Keep}, Abort: &UploadExpiration{o.Uploads},
	}}
	if o.Class != "" {
		rules = append(rules, Rule{
			ID: "firn: data packs" + of, Filter: Filter{o.Prefix + format.PrefixData},
			Transitions: []ClassTransition{{o.After, o.Class}},
		})
	}
	for i := range rules {
		const most = 255 // bytes of an ID that S3 takes
		rules[i].ID, rules[i].Status = rules[i].ID[:min(len(rules[i].ID), most)], "Enabled"
	}
	return &Rules{Space: "http://s3.amazonaws.com/doc/2006-03-01/", Rules: rules}, nil
}

// checkMove says what is wrong with a transition.
func checkMove(o *RuleOptions) error {
	switch {
	case !className.MatchString(o.Class):
		return fmt.Errorf("%q is no storage class: they are written like STANDARD_IA", o.Class)
	case o.Class == standard:
		return fmt.Errorf("data packs are in %s to begin with", standard)
	case len(o.Classes) > 0 && !slices.Contains(o.Classes, o.Class):
		return fmt.Errorf("the provider has no storage class %s; it has %s", o.Class, strings.Join(o.Classes, ", "))
	case slices.Contains(infrequent, o.Class) && o.After < 30:
		return fmt.Errorf("objects move to %s after 30 days at the earliest, not after %d", o.Class, o.After)
	}
	return nil
}
