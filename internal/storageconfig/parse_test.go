package storageconfig

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// example is that of Kopia's document.
const example = `{
   "blobOptions": [
     { "prefix": "p", "storageClass": "INTELLIGENT_TIERING" },
     { "prefix": "s", "storageClass": "REDUCED_REDUNDANCY" },
     { "storageClass": "STANDARD_IA" }
  ]
}
`

func parse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return c
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []Params
	}{
		{"the document's example", example, []Params{{Class: "INTELLIGENT_TIERING"}, {Class: "REDUCED_REDUNDANCY"}, {Class: "STANDARD_IA"}}},
		{"nothing", `{}`, nil},
		{"no entries", `{"blobOptions": []}`, nil},
		{"capitals do not matter", `{"BlobOptions":[{"STORAGECLASS":"GLACIER_IR"}]}`, []Params{{Class: "GLACIER_IR"}}},
		{"byte order mark", "\uFEFF" + `{"blobOptions":[{"storageClass":"A"}]}`, []Params{{Class: "A"}}},
		{"class left to the server", `{"blobOptions":[{"prefix":"s","storageClass":""}]}`, []Params{{}}},
		{"encryption by the server", `{"blobOptions":[{"serverSideEncryption":"AES256"}]}`, []Params{{Encryption: EncryptS3}}},
		{
			"KMS", `{"blobOptions":[{"storageClass":"A","serverSideEncryption":"aws:kms","ssekmsKeyId":"arn:aws:kms:x:1:key/2","bucketKeyEnabled":true}]}`,
			[]Params{{Class: "A", Encryption: EncryptKMS, KMSKey: "arn:aws:kms:x:1:key/2", BucketKey: true}},
		},
		{"customer's key", `{"blobOptions":[{"sseCustomerAlgorithm":"AES256"}]}`, []Params{{Encryption: EncryptCustomer}}},
		{"tags and ACL", `{"blobOptions":[{"tagging":"a=b&c=d%20e","acl":"private"}]}`, []Params{{Tags: "a=b&c=d%20e", ACL: "private"}}},
	} {
		got := parse(t, c.text)
		var params []Params
		for _, e := range got.Entries {
			params = append(params, e.Params)
		}
		if !reflect.DeepEqual(params, c.want) || len(got.Remarks) > 0 {
			t.Errorf("%s: %v, remarks %v", c.name, params, got.Remarks)
		}
		again := parse(t, string(got.Format()))
		for i := range again.Entries {
			if again.Entries[i].Prefix != got.Entries[i].Prefix || again.Entries[i].Params != got.Entries[i].Params {
				t.Errorf("%s: written as %s", c.name, got.Format())
			}
		}
	}
}

func TestParseMalformed(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "line 1, column 1: the file is empty"},
		{" \n", "line 1, column 1: the file is empty"},
		{"[]", "line 1, column 1: the file must be { … }"},
		{"{", "line 1, column 2: the file ends in the middle"},
		{"{\n  \"blobOptions\": {}\n}", "line 2, column 18: blobOptions must be a list, [ … ]"},
		{"{\n  \"blobOptions\": [\n    7\n  ]\n}", "line 3, column 5: an entry of blobOptions must be { … }"},
		{"{\n \"blobOptions\": [\n  {\"prefix\": \"p\" \"storageClass\": \"A\"}]}", "line 3, column 18: not JSON"},
		{"{\"blobOptions\": [{\"prefix\": \"p\"}]}", "line 1, column 18: the entry has no storageClass"},
		{"{\"blobOptions\": [{\"storageClass\": 7}]}", "line 1, column 35: storageClass must be a text in quotes"},
		{"{\"blobOptions\": [{\"storageClass\": null}]}", "storageClass must be a text in quotes"},
		{"{\"blobOptions\": [{\"storageClass\": \"standard_ia\"}]}", `column 35: "standard_ia" is no storage class; did you mean STANDARD_IA?`},
		{"{\"blobOptions\": [{\"storageClass\": \"ä\"}]}", "is no storage class"},
		{"{\"blobOptions\": [{\"prefx\": \"p\", \"storageClass\": \"A\"}]}", `column 19: there is no field "prefx"; did you mean "prefix"?`},
		{"{\"blobOption\": []}", `did you mean "blobOptions"?`},
		{"{\"blobOptions\": [{\"prefix\": \"p\",\n\"Prefix\": \"q\", \"storageClass\": \"A\"}]}", `line 2, column 1: the field "Prefix" is there twice`},
		{"{\"blobOptions\": [], \"x\": 1, \"x\": 2}", "there twice"},
		{"{\"blobOptions\": []} {}", "column 21: something follows behind the end"},
		{"{\"ä\": 1, \"blobOptions\": 7}", "column 25: blobOptions must be"},
		{"{\"blobOptions\": [{\"prefix\": \"a b\", \"storageClass\": \"A\"}]}", "has a blank"},
		{"{\"x\": \"\xff\"}", "line 1, column 8: not UTF-8"},
		{"{\"blobOptions\": [{\"acl\": \"public-read\"}]}", "would show a backup to everybody"},
		{"{\"blobOptions\": [{\"acl\": \"mine\"}]}", "is none of private"},
		{"{\"blobOptions\": [{\"tagging\": \"a=b&a=c\"}]}", "there twice"},
		{"{\"blobOptions\": [{\"serverSideEncryption\": \"AES\"}]}", "is none of AES256"},
		{"{\"blobOptions\": [{\"serverSideEncryption\": \"customer\"}]}", "sseCustomerAlgorithm"},
		{"{\"blobOptions\": [{\"sseCustomerAlgorithm\": \"AES256\", \"serverSideEncryption\": \"AES256\"}]}", "exclude each other"},
		{"{\"blobOptions\": [{\"storageClass\": \"A\", \"ssekmsKeyId\": \"k\"}]}", "ssekmsKeyId belongs to serverSideEncryption"},
		{"{\"blobOptions\": [{\"storageClass\": \"A\", \"bucketKeyEnabled\": false}]}", "bucketKeyEnabled belongs to"},
		{strings.Repeat(" ", MaxSize) + "{}", "larger than"},
	} {
		_, err := Parse([]byte(c.text))
		var at *Error
		if !errors.Is(err, ErrMalformed) || !errors.As(err, &at) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80q: %v; wanted %q", c.text, err, c.want)
		}
	}
}

// TestParsePassesOver: what Kopia passes over is passed over, and told.
func TestParsePassesOver(t *testing.T) {
	c := parse(t, `{"version": 3, "_comment": {"a": [1, {"b": null}]},
  "blobOptions": [{"storageClass": "A", "owner": ["x"]}]}`)
	var told []string
	for _, r := range c.Notice(nil) {
		told = append(told, r.String())
	}
	want := []string{
		`line 1, column 2: the field "version" is not known and has no effect`,
		`line 1, column 16: the field "_comment" is not known and has no effect`,
		`line 2, column 41: the field "owner" is not known and has no effect`,
	}
	if !reflect.DeepEqual(told, want) || len(c.Entries) != 1 {
		t.Errorf("%q", told)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		example, "{}", "[", `{"blobOptions":[{"storageClass":"A","x":[{"y":1e9}]}]}`, "\uFEFF{}", `{"blobOptions":[{"tagging":"a=%20"}]}`,
		`{"blobOptions":[{"prefix":"p/0","serverSideEncryption":"aws:kms","ssekmsKeyId":"k","bucketKeyEnabled":true,"acl":"private"}]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse(text)
		var at *Error
		if err != nil {
			if !errors.As(err, &at) || at.Line < 1 || at.Column < 1 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := Parse(c.Format())
		if err != nil || len(again.Entries) != len(c.Entries) {
			t.Fatalf("%q is %s, which is %v", text, c.Format(), err)
		}
		for i := range again.Entries {
			if again.Entries[i].Prefix != c.Entries[i].Prefix || again.Entries[i].Params != c.Entries[i].Params {
				t.Fatalf("%q: entry %d is %+v, and %+v when written", text, i, c.Entries[i], again.Entries[i])
			}
		}
		for _, name := range []string{"firn.repository", "p/00/" + strings.Repeat("0", 64)} {
			_ = c.Match(name)
		}
		_ = c.Validate(Archive)
		_ = c.Notice([]string{"STANDARD"})
	})
}
