package s3

import (
	"encoding/xml"
	"reflect"
	"testing"
	"time"
)

// rulesIn reads a document as Lifecycle does.
func rulesIn(text string) ([]LifecycleRule, error) {
	var answer lifecycleXML
	if err := xml.Unmarshal([]byte(text), &answer); err != nil {
		return nil, err
	}
	return answer.rules(), nil
}

func TestLifecycleRules(t *testing.T) {
	day := time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string][]LifecycleRule{
		``: {},
		`<Rule><ID>a</ID><Status>Enabled</Status><Prefix>old/</Prefix><Expiration><Date>2030-01-02T00:00:00Z</Date></Expiration></Rule>`: {
			{ID: "a", Enabled: true, Prefix: "old/", ExpireDate: day}},
		`<Rule><Status>Enabled</Status><Filter/><Expiration><Date>some day</Date></Expiration></Rule>`: {
			{Enabled: true, ExpireDate: time.Unix(0, 0).UTC()}},
		`<Rule><Status>Enabled</Status><Filter><And><Prefix>x</Prefix><ObjectSizeGreaterThan>1</ObjectSizeGreaterThan></And></Filter>` +
			`<Transition><Days>0</Days><StorageClass>GLACIER</StorageClass></Transition><Transition><Date>2030-01-02</Date><StorageClass>DEEP_ARCHIVE</StorageClass></Transition></Rule>`: {
			{Enabled: true, Prefix: "x", Transitions: []Transition{{Class: "GLACIER"}, {Date: day, Class: "DEEP_ARCHIVE"}}}},
		`<Rule><Status>Disabled</Status><Filter><Tag><Key>k</Key><Value>v</Value></Tag></Filter><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>`: {
			{Tags: map[string]string{"k": "v"}, AbortDays: 7}},
		`<Rule><Status>Enabled</Status><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration></Rule>`: {{Enabled: true}},

		`<Rule><Action><Delete/></Action><Condition><Age>30</Age></Condition></Rule>`: {{Enabled: true, ExpireDays: 30}},
		`<Rule><Action><Delete/></Action><Condition><Age>0</Age><MatchesPrefix>a/</MatchesPrefix><MatchesPrefix>b/</MatchesPrefix></Condition></Rule>`: {
			{Enabled: true, Prefix: "a/", ExpireDays: 1}, {Enabled: true, Prefix: "b/", ExpireDays: 1}},
		`<Rule><Action><Delete/></Action><Condition><IsLive>false</IsLive><Age>5</Age></Condition></Rule>`:                   {{Enabled: true, NoncurrentDays: 5}},
		`<Rule><Action><Delete/></Action><Condition><DaysSinceNoncurrentTime>4</DaysSinceNoncurrentTime></Condition></Rule>`: {{Enabled: true, NoncurrentDays: 4}},
		`<Rule><Action><AbortIncompleteMultipartUpload/></Action><Condition><Age>7</Age></Condition></Rule>`:                 {{Enabled: true, AbortDays: 7}},
		`<Rule><Action><SetStorageClass>ARCHIVE</SetStorageClass></Action><Condition><Age>7</Age></Condition></Rule>`:        {},
	} {
		got, err := rulesIn(`<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` + text + `</LifecycleConfiguration>`)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v, %v\nwant\n%+v", text, got, err, want)
		}
	}
}

// FuzzLifecycleRules looks for documents that break the reader, or in which a
// rule gets lost.
func FuzzLifecycleRules(f *testing.F) {
	f.Add(`<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter><Prefix>a</Prefix></Filter><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>`)
	f.Add(`<LifecycleConfiguration><Rule><Action><Delete/></Action><Condition><Age>30</Age></Condition></Rule></LifecycleConfiguration>`)
	f.Add(`<x/>`)
	f.Fuzz(func(t *testing.T, text string) {
		var answer lifecycleXML
		if xml.Unmarshal([]byte(text), &answer) != nil {
			return
		}
		rules := answer.rules()
		for i := range answer.Rules {
			if r := &answer.Rules[i]; r.Action == nil && r.Expiration.Days > 0 && len(rules) == 0 {
				t.Errorf("a rule is lost: %q", text)
			}
		}
	})
}

func TestSourceWords(t *testing.T) {
	for source, want := range map[string]string{
		"EnvConfigCredentials":                         "environment",
		"SharedConfigCredentials: /home/a/credentials": "profile in /home/a/credentials",
		"EC2RoleProvider":                              "instance metadata",
		"Another":                                      "Another",
	} {
		if got := sourceWords(source); got != want {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
	}
}
