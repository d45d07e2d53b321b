package examine

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"strings"
	"testing"
	"time"

	"firn/internal/object"
	"firn/internal/object/s3"
	"firn/internal/storageconfig"
)

// tagged are rules by which objects carry tags.
func tagged(t *testing.T) *storageconfig.Rules {
	t.Helper()
	rules, err := storageconfig.NewRules(storageconfig.Settings{Whole: storageconfig.Params{Tags: "team=ops&use=a+b"}})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// TestTagsOfNobody: a rule that is confined to tags does nothing to objects without.
func TestTagsOfNobody(t *testing.T) {
	rule := s3.LifecycleRule{Enabled: true, Tags: map[string]string{"team": "ops"}, ExpireDays: 1}
	if err := SafeLifecycle([]s3.LifecycleRule{rule}, "a/", nil); err != nil {
		t.Error(err)
	}
}

func TestSafeLifecycle(t *testing.T) {
	archive := []s3.Transition{{Days: 1, Class: "DEEP_ARCHIVE"}}
	for _, c := range []struct {
		name string
		rule s3.LifecycleRule
		harm string // "" for none
	}{
		{"expires all", s3.LifecycleRule{ExpireDays: 1}, "deletes objects"},
		{"expires the bucket's folder", s3.LifecycleRule{Prefix: "a", ExpireDays: 1}, "deletes objects"},
		{"expires the drive", s3.LifecycleRule{Prefix: "a/b/", ExpireDays: 1}, "deletes objects"},
		{"expires data packs", s3.LifecycleRule{Prefix: "a/b/p/", ExpireDays: 1}, "deletes objects"},
		{"expires some data packs", s3.LifecycleRule{Prefix: "a/b/p/00", ExpireDays: 1}, "deletes objects"},
		{"expires roots", s3.LifecycleRule{Prefix: "a/b/firn", ExpireDays: 1}, "deletes objects"},
		{"expires on a day", s3.LifecycleRule{ExpireDate: time.Unix(0, 0).UTC()}, "on 1970-01-01"},
		{"expires a neighbour", s3.LifecycleRule{Prefix: "a/bc/", ExpireDays: 1}, ""},
		{"expires something else below", s3.LifecycleRule{Prefix: "a/b/tmp/", ExpireDays: 1}, ""},
		{"expires test objects", s3.LifecycleRule{Prefix: "a/b/probe/", ExpireDays: 1}, ""},
		{"expires old versions", s3.LifecycleRule{NoncurrentDays: 1}, ""},
		{"ends uploads", s3.LifecycleRule{AbortDays: 1}, ""},
		{"expires what has another tag", s3.LifecycleRule{Tags: map[string]string{"team": "web"}, ExpireDays: 1}, ""},
		{"expires what has more tags", s3.LifecycleRule{Tags: map[string]string{"team": "ops", "x": "y"}, ExpireDays: 1}, ""},
		{"expires what has our tag", s3.LifecycleRule{Tags: map[string]string{"team": "ops"}, ExpireDays: 1}, "deletes objects"},
		{"expires what has both our tags", s3.LifecycleRule{Tags: map[string]string{"team": "ops", "use": "a b"}, ExpireDays: 1}, "deletes objects"},
		{"archives what has our tag", s3.LifecycleRule{Tags: map[string]string{"use": "a b"}, Transitions: archive}, "only data packs"},
		{"archives all", s3.LifecycleRule{Transitions: archive}, "only data packs"},
		{"archives manifests", s3.LifecycleRule{Prefix: "a/b/m/", Transitions: archive}, "only data packs"},
		{"archives metadata packs", s3.LifecycleRule{Prefix: "a/b/q/", Transitions: archive}, "only data packs"},
		{"archives data packs", s3.LifecycleRule{Prefix: "a/b/p/", Transitions: archive}, ""},
		{"moves all", s3.LifecycleRule{Transitions: []s3.Transition{{Days: 30, Class: "STANDARD_IA"}}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.rule.ID = "the rule"
			if err := SafeLifecycle([]s3.LifecycleRule{c.rule}, "a/b/", tagged(t)); err != nil {
				t.Errorf("disabled, and yet: %v", err)
			}
			c.rule.Enabled = true
			err := SafeLifecycle([]s3.LifecycleRule{{Enabled: true, NoncurrentDays: 9}, c.rule}, "a/b/", tagged(t))
			if c.harm == "" && err == nil {
				return
			}
			var of *object.Error
			if c.harm == "" || !errors.Is(err, ErrLifecycle) || !errors.As(err, &of) || of.Advice == "" ||
				!strings.Contains(err.Error(), c.harm) || !strings.Contains(err.Error(), `"the rule"`) {
				t.Errorf("%v, want %q", err, c.harm)
			}
		})
	}
}

// TestSafeRules shows that the rules printed are safe by what the examination
// says of rules that are read, and that they silence its advice.
func TestSafeRules(t *testing.T) {
	for _, prefix := range []string{"", "a/b/"} {
		rules, err := SafeRules(RuleOptions{Prefix: prefix, Class: "GLACIER", After: 3, Keep: 14, Uploads: 2, Classes: []string{"STANDARD", "GLACIER"}})
		if err != nil {
			t.Fatal(err)
		}
		text, err := xml.Marshal(rules)
		if err != nil {
			t.Fatal(err)
		}
		read := readBack(t, text)
		if err := SafeLifecycle(read, prefix, nil); err != nil {
			t.Error(err)
		}
		d := ruled{prefix, nil}
		if days := d.oldVersionDays(read); days != 14 {
			t.Errorf("old versions are kept for %d days", days)
		}
		if !endsUploads(d.concerning(read)) || !strings.Contains(d.coldData(read), "GLACIER after 3 days") {
			t.Errorf("rules read back: %+v", read)
		}
		for _, r := range rules.Rules {
			if len(r.Transitions) > 0 && r.Filter.Prefix != prefix+"p/" {
				t.Errorf("rule %s moves %q", r.ID, r.Filter.Prefix)
			}
		}
	}
}

// readBack reads a configuration as package s3 does.
func readBack(t *testing.T, text []byte) []s3.LifecycleRule {
	t.Helper()
	var got Rules
	if err := xml.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	var rules []s3.LifecycleRule
	for _, r := range got.Rules {
		rule := s3.LifecycleRule{ID: r.ID, Enabled: r.Status == "Enabled", Prefix: r.Filter.Prefix}
		if r.Noncurrent != nil {
			rule.NoncurrentDays = r.Noncurrent.NoncurrentDays
		}
		if r.Abort != nil {
			rule.AbortDays = r.Abort.DaysAfterInitiation
		}
		for _, m := range r.Transitions {
			rule.Transitions = append(rule.Transitions, s3.Transition{Days: m.Days, Class: m.StorageClass})
		}
		rules = append(rules, rule)
	}
	return rules
}

// TestRulesAsText holds the JSON to the shape that aws s3api takes.
func TestRulesAsText(t *testing.T) {
	rules, err := SafeRules(RuleOptions{Prefix: "a/", Class: "STANDARD_IA", After: 30, Keep: 30, Uploads: 7})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Rules":[` +
		`{"ID":"firn: old versions and unfinished uploads of a/","Status":"Enabled","Filter":{"Prefix":"a/"},` +
		`"Expiration":{"ExpiredObjectDeleteMarker":true},"NoncurrentVersionExpiration":{"NoncurrentDays":30},"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":7}},` +
		`{"ID":"firn: data packs of a/","Status":"Enabled","Filter":{"Prefix":"a/p/"},"Transitions":[{"Days":30,"StorageClass":"STANDARD_IA"}]}]}`
	if string(text) != want {
		t.Errorf("%s\nwant\n%s", text, want)
	}
}

func TestRulesRefused(t *testing.T) {
	for words, o := range map[string]RuleOptions{
		"no storage class":    {Class: "glacier", After: 1, Keep: 1, Uploads: 1},
		"to begin with":       {Class: "STANDARD", After: 1, Keep: 1, Uploads: 1},
		"has no storage":      {Class: "GLACIER", After: 1, Keep: 1, Uploads: 1, Classes: []string{"STANDARD"}},
		"30 days at the":      {Class: "STANDARD_IA", After: 29, Keep: 1, Uploads: 1},
		"counted from 1":      {Keep: 0, Uploads: 1},
		"are counted from 1":  {Keep: 1, Uploads: 0},
		"days are counted fr": {Keep: 1, Uploads: 1, After: -1},
	} {
		if _, err := SafeRules(o); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%+v: %v, want %q", o, err, words)
		}
	}
}
