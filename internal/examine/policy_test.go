package examine

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"firn/internal/format"
)

// allowed says whether a policy allows an action on an object.
func (p *Policy) allowed(action, resource string) bool {
	return slices.ContainsFunc(p.Statement, func(s Statement) bool {
		return slices.Contains(s.Action, action) && slices.ContainsFunc(s.Resource, func(pattern string) bool {
			head, open := strings.CutSuffix(pattern, "*")
			return resource == pattern || open && strings.HasPrefix(resource, head)
		})
	})
}

func TestLeast(t *testing.T) {
	host, _ := format.ParseHost("00112233445566ff")
	const own, other = "00112233445566ff-1", "ffffffffffffffff-1"
	for _, c := range []struct {
		use     Use
		host    *format.Host
		puts    []string
		refuses []string // to put
		deletes []string
		keeps   []string // from deletion
	}{
		{UseBackup, nil, []string{"p/00/1", "q/00/1", "x/" + other, "s/" + other, "h/" + other, "m/" + other, "probe/x"},
			[]string{"firn.repository", "k/1", "g/" + own}, nil, []string{"p/00/1", "m/" + own, "probe/x"}},
		{UseBackup, &host, []string{"p/00/1", "x/" + own, "s/" + own, "h/" + own, "m/" + own},
			[]string{"x/" + other, "s/" + other, "h/" + other, "m/" + other, "k/1"}, nil, []string{"p/00/1"}},
		{UseRestore, nil, nil, []string{"p/00/1", "s/" + own, "probe/x"}, nil, []string{"p/00/1"}},
		{UseMaintain, nil, []string{"p/00/1", "g/" + other, "m/" + other}, []string{"firn.repository", "k/1"},
			[]string{"p/00/1", "q/00/1", "x/" + other, "s/" + other, "h/" + other, "m/" + other, "g/" + other}, []string{"firn.repository", "k/1"}},
		{UseMaintain, &host, []string{"g/" + other, "m/" + other, "s/" + own}, []string{"s/" + other, "h/" + other, "x/" + other}, []string{"s/" + other}, nil},
		{UseAll, nil, []string{"firn.repository", "k/1", ".storageconfig"}, nil, []string{"k/1", "firn.claim.1"}, nil},
		{UseAll, &host, []string{"firn.repository", "k/1", "s/" + own}, []string{"s/" + other}, []string{"k/1", "s/" + other}, nil},
	} {
		p, err := Least(Grant{Use: c.use, Bucket: "vault", Prefix: "a/b/", Host: c.host})
		if err != nil {
			t.Fatal(err)
		}
		at := func(name string) string { return "arn:aws:s3:::vault/a/b/" + name }
		check := func(want bool, action string, names []string) {
			t.Helper()
			for _, name := range names {
				if p.allowed(action, at(name)) != want {
					t.Errorf("%s, host %v: %s %s is allowed: %v", c.use, c.host, action, name, !want)
				}
				if p.allowed(action, "arn:aws:s3:::vault/a/c/"+name) || p.allowed(action, "arn:aws:s3:::other/a/b/"+name) {
					t.Errorf("%s: %s is allowed elsewhere", c.use, action)
				}
			}
		}
		check(true, "s3:PutObject", c.puts)
		check(false, "s3:PutObject", c.refuses)
		check(true, "s3:DeleteObject", c.deletes)
		check(false, "s3:DeleteObject", c.keeps)
		check(true, "s3:GetObject", []string{"firn.repository", "p/00/1", "m/" + other})
		if !p.allowed("s3:ListBucket", "arn:aws:s3:::vault") {
			t.Errorf("%s: listing is not allowed", c.use)
		}
		for _, s := range p.Statement {
			for _, action := range s.Action {
				if !slices.Contains([]string{"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"}, action) {
					t.Errorf("%s: %s is asked for", c.use, action)
				}
			}
		}
	}
	backup, err := Least(Grant{Use: UseBackup, Bucket: "vault", Thaw: true})
	if err != nil || backup.allowed("s3:RestoreObject", "arn:aws:s3:::vault/p/00/1") {
		t.Errorf("who only backs up may thaw: %v, %v", backup, err)
	}
	if _, err := Least(Grant{Use: "anything"}); err == nil {
		t.Error("an unknown use is taken")
	}
}

func TestPolicyText(t *testing.T) {
	for _, c := range []struct {
		grant Grant
		want  string
	}{
		{Grant{Use: UseRestore, Bucket: "vault"},
			`{"Version":"2012-10-17","Statement":[{"Sid":"FirnList","Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::vault"]},` +
				`{"Sid":"FirnRead","Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::vault/*"]}]}`},
		{Grant{Use: UseRestore, Bucket: "vault", Thaw: true},
			`{"Version":"2012-10-17","Statement":[{"Sid":"FirnList","Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::vault"]},` +
				`{"Sid":"FirnRead","Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::vault/*"]},` +
				`{"Sid":"FirnThaw","Effect":"Allow","Action":["s3:RestoreObject"],"Resource":["arn:aws:s3:::vault/p/*"]}]}`},
		{Grant{Use: UseRestore, Bucket: "vault", Prefix: "a/", Region: "cn-north-1"},
			`{"Version":"2012-10-17","Statement":[{"Sid":"FirnList","Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws-cn:s3:::vault"],` +
				`"Condition":{"StringLike":{"s3:prefix":["a/*"]}}},` +
				`{"Sid":"FirnRead","Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws-cn:s3:::vault/a/*"]}]}`},
		{Grant{Use: UseRestore, Bucket: "arn:aws:s3:eu-west-1:1:accesspoint/x", Region: "us-gov-west-1"},
			`{"Version":"2012-10-17","Statement":[{"Sid":"FirnList","Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:eu-west-1:1:accesspoint/x"]},` +
				`{"Sid":"FirnRead","Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:eu-west-1:1:accesspoint/x/object/*"]}]}`},
	} {
		p, err := Least(c.grant)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(p)
		if err != nil || string(text) != c.want {
			t.Errorf("%s, %v\nwant\n%s", text, err, c.want)
		}
	}
}
