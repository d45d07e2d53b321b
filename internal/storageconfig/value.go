package storageconfig

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// className is how storage classes are written, AWS's and all others that are known.
var className = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)

// checkClass checks a storage class by its spelling; "" leaves it to the server.
func checkClass(class string) error {
	if class == "" || className.MatchString(class) {
		return nil
	}
	if upper := strings.ToUpper(strings.NewReplacer("-", "_", " ", "_").Replace(class)); className.MatchString(upper) {
		return fmt.Errorf("%q is no storage class; did you mean %s?", class, upper)
	}
	return fmt.Errorf("%q is no storage class: they are written like STANDARD_IA", class)
}

// checkPrefix checks what names are to begin with.
func checkPrefix(prefix string) error {
	if strings.ContainsFunc(prefix, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return fmt.Errorf("the prefix %q has a blank or what cannot be printed, and no name has", prefix)
	}
	return nil
}

// checkLine checks what goes into a header as it is.
func checkLine(text string) error {
	if text == "" || len(text) > 2048 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("%q cannot be sent: it must be a word of plain characters", text)
	}
	return nil
}

// mostTags is how many tags S3 gives an object.
const mostTags = 10

// checkTags checks tags in the form NAME=VALUE&NAME=VALUE.
func checkTags(text string) error {
	tags, err := url.ParseQuery(text)
	switch {
	case err != nil || len(tags) == 0 || checkLine(text) != nil:
		return fmt.Errorf("%q are no tags: write NAME=VALUE&NAME=VALUE, with %%XX for special characters", text)
	case len(tags) > mostTags:
		return fmt.Errorf("%d tags, and an object has at most %d", len(tags), mostTags)
	}
	for name, values := range tags {
		if name == "" || len(values) > 1 || len(name) > 128 || len(values[0]) > 256 {
			return fmt.Errorf("the tag %q has no name, is there twice, or is longer than 128 characters for a name and 256 for a value", name)
		}
	}
	return nil
}

var (
	acls    = []string{"private", "bucket-owner-read", "bucket-owner-full-control", "aws-exec-read"}
	openACL = []string{"public-read", "public-read-write", "authenticated-read"}
)

// checkACL checks a canned ACL.
func checkACL(acl string) error {
	switch {
	case slices.Contains(acls, acl):
		return nil
	case slices.Contains(openACL, acl):
		return fmt.Errorf("%s would show a backup to everybody", acl)
	}
	return fmt.Errorf("%q is none of %s", acl, strings.Join(acls, ", "))
}

// checkEncryption checks a kind of encryption.
func checkEncryption(kind string) error {
	if kind == EncryptS3 || kind == EncryptKMS || kind == EncryptDSSE {
		return nil
	}
	return fmt.Errorf("%q is none of %s, %s, %s", kind, EncryptS3, EncryptKMS, EncryptDSSE)
}

// Check says what is wrong with values that come from settings and not from a file.
func (p *Params) Check() error {
	var wrong error
	add := func(setting, value string, check func(string) error) {
		if value != "" {
			if err := check(value); err != nil {
				wrong = errors.Join(wrong, fmt.Errorf("%s: %w", setting, err))
			}
		}
	}
	add("storage_class", p.Class, checkClass)
	if p.Encryption != EncryptCustomer {
		add("sse", p.Encryption, checkEncryption)
	}
	add("sse_kms_key_id", p.KMSKey, checkLine)
	add("object_tags", p.Tags, checkTags)
	add("acl", p.ACL, checkACL)
	if (p.KMSKey != "" || p.BucketKey) && p.Encryption != EncryptKMS && p.Encryption != EncryptDSSE {
		wrong = errors.Join(wrong, fmt.Errorf("sse: missing: sse_kms_key_id and sse_bucket_key belong to %s", EncryptKMS))
	}
	return wrong
}
