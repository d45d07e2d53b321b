package config

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"
)

func TestStorageClasses(t *testing.T) {
	want := ClassRules{{"p", "INTELLIGENT_TIERING"}, {"", "STANDARD_IA"}}
	d, err := ParseDrive("s3://bucket?storage_classes=p=INTELLIGENT_TIERING,%20STANDARD_IA")
	if err != nil || !reflect.DeepEqual(d.StorageClasses, want) {
		t.Errorf("URL: %v %v", d.StorageClasses, err)
	}
	const drive = "drives:\n  - provider: s3\n    label: a\n    bucket: bucket\n    region: r\n    "
	for _, text := range []string{
		"storage_classes: [{prefix: p, class: INTELLIGENT_TIERING}, {class: STANDARD_IA}]",
		"storage_classes:\n      - prefix: ${P}\n        class: INTELLIGENT_TIERING\n      - class: STANDARD_IA",
		"storage_classes: p=INTELLIGENT_TIERING,STANDARD_IA",
	} {
		c, err := load("c.yml", []byte(drive+text+"\n"), with("P", "p"))
		if err != nil || !reflect.DeepEqual(c.Drives[0].StorageClasses, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for text, problem := range map[string]string{
		"storage_classes: [{prefix: p}]":               "c.yml:6:22: drives[0].storage_classes[0]: a storage class is missing",
		"storage_classes: [{prefx: p, class: A}]":      "drives[0].storage_classes[0].prefx: there is no such setting; did you mean prefix?",
		"storage_classes: [A]":                         "must be settings",
		"storage_classes: {prefix: p, class: A}":       "must be a single value",
		"storage_classes: 'p='":                        "a storage class is missing",
		"storage_classes: [{prefix: 'a b', class: A}]": "must be words",
	} {
		if _, err := load("c.yml", []byte(drive+text+"\n"), with()); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestServerEncryption(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for query, problem := range map[string]string{
		"sse=AES256": "", "sse=aws:kms&sse_kms_key_id=k&sse_bucket_key": "", "sse=customer&sse_customer_key_file=k": "",
		"sse=customer&sse_customer_key=" + key: "", "sse=aes": "is not one of AES256", "sse=customer": "customer needs a key",
		"sse_kms_key_id=k": "sse_kms_key_id: is for sse: aws:kms", "sse=AES256&sse_bucket_key": "sse_bucket_key: is for sse: aws:kms",
		"sse_customer_key_file=k&sse_customer_key_command=c": "one of them must go",
	} {
		_, err := ParseDrive("s3://bucket?" + query)
		if (err == nil) != (problem == "") || err != nil && !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v", query, err)
		}
	}
	for text, good := range map[string]bool{key: true, key + "\n": true, key[4:]: false, "short": false} {
		d := Drive{Provider: S3, SSECustomerKey: NewSecret(text)}
		got, err := d.CustomerKey(t.Context())
		if (err == nil) != good || good && len(got) != 32 || err != nil && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if got, err := (&Drive{Provider: S3}).CustomerKey(t.Context()); got != nil || err != nil {
		t.Errorf("no key: %v %v", got, err)
	}
}

func TestMustThaw(t *testing.T) {
	for _, c := range []struct {
		vendor, class string
		thaw, known   bool
	}{
		{"aws", "GLACIER", true, true}, {"aws", "glacier_ir", false, true}, {"aws", "NEW", false, false},
		{"google", "ARCHIVE", false, true}, {"tencent", "ARCHIVE", true, true}, {"custom", "GLACIER", false, false},
	} {
		v, _ := FindVendor(c.vendor)
		if thaw, known := v.MustThaw(c.class); thaw != c.thaw || known != c.known {
			t.Errorf("%s %s: %t %t", c.vendor, c.class, thaw, known)
		}
	}
}
