package s3_test

import (
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"firn/internal/object"
	"firn/internal/object/s3"
	"firn/internal/object/s3/s3test"
)

// lifecycle has rules of each kind that MinIO takes.
const lifecycle = `<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
<Rule><ID>expiry</ID><Status>Enabled</Status><Filter><Prefix>some/where/</Prefix></Filter><Expiration><Days>30</Days></Expiration></Rule>
<Rule><ID>tagged</ID><Status>Enabled</Status><Filter><And><Prefix>x</Prefix><Tag><Key>a</Key><Value>b</Value></Tag></And></Filter><Expiration><Days>9</Days></Expiration></Rule>
<Rule><ID>off</ID><Status>Disabled</Status><Filter><Prefix></Prefix></Filter><NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays></NoncurrentVersionExpiration></Rule>
</LifecycleConfiguration>`

var wantRules = []s3.LifecycleRule{
	{ID: "expiry", Enabled: true, Prefix: "some/where/", ExpireDays: 30},
	{ID: "tagged", Enabled: true, Prefix: "x", Tags: map[string]string{"a": "b"}, ExpireDays: 9},
	{ID: "off", NoncurrentDays: 7},
}

func TestFacts(t *testing.T) {
	onServers(t, func(t *testing.T, c s3.Config) {
		s := open(t, c)
		server := s3test.Server{Endpoint: c.Endpoint, AccessKey: c.AccessKey, SecretKey: c.SecretKey, Region: c.Region}
		set := func(kind, body string) (possible bool) {
			t.Helper()
			_, err := server.Do(t.Context(), http.MethodPut, "/"+c.Bucket, url.Values{kind: {""}}, body)
			if err != nil && !strings.Contains(err.Error(), "501 ") { // as it stands, Versity keeps no versions and has no rules
				t.Fatal(err)
			}
			return err == nil
		}
		if versioning, err := s.Versioning(t.Context()); err != nil || versioning != s3.Unversioned {
			t.Errorf("versioning of a new bucket: %q, %v", versioning, err)
		}
		if lock, err := s.ObjectLock(t.Context()); err != nil || lock.Enabled {
			t.Errorf("object lock of a new bucket: %+v, %v", lock, err)
		}
		if region, err := s.Region(t.Context()); err != nil || region != "" && region != c.Region {
			t.Errorf("region %q, %v", region, err)
		}
		if set("versioning", `<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>`) {
			if versioning, err := s.Versioning(t.Context()); err != nil || versioning != s3.Versioned {
				t.Errorf("versioning: %q, %v", versioning, err)
			}
		}
		if rules, err := s.Lifecycle(t.Context()); len(rules) > 0 || err != nil && !errors.Is(err, object.ErrUnsupported) {
			t.Errorf("lifecycle of a new bucket: %+v, %v", rules, err)
		}
		if set("lifecycle", lifecycle) {
			if rules, err := s.Lifecycle(t.Context()); err != nil || !reflect.DeepEqual(rules, wantRules) {
				t.Errorf("lifecycle: %+v, %v", rules, err)
			}
		}
	})
}

// TestFactsAreRights shows that what a key may not ask is told as such.
func TestFactsAreRights(t *testing.T) {
	server := s3test.Start(t, s3test.MinIO)
	for _, client := range clients {
		c := configOf(server, client)
		open(t, c)
		keys, err := server.Assume(t.Context(), `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::`+c.Bucket+`"]}]}`)
		if err != nil {
			t.Fatal(err)
		}
		c.AccessKey, c.SecretKey, c.SessionToken = keys.AccessKey, keys.SecretKey, keys.SessionToken
		s, err := s3.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := s.Region(t.Context()); err != nil {
			t.Errorf("%s: region: %v", client, err)
		}
		for what, ask := range map[string]func() error{
			"versioning":  func() error { _, err := s.Versioning(t.Context()); return err },
			"lifecycle":   func() error { _, err := s.Lifecycle(t.Context()); return err },
			"object lock": func() error { _, err := s.ObjectLock(t.Context()); return err },
		} {
			if err := ask(); !errors.Is(err, object.ErrAccess) {
				t.Errorf("%s: %s: %v, want %v", client, what, err, object.ErrAccess)
			}
		}
	}
}
