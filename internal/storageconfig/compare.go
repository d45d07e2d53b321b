package storageconfig

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"firn/internal/object"
)

// compare looks what the server made of the first object of a way to store. What
// it dropped is said; encryption that was asked for and is not there is an
// error, unless that is optional. For objects other than packs what an earlier
// run saw will do.
func (s *Store) compare(ctx context.Context, name string, p Params) error {
	if !s.first(name, p) {
		return nil
	}
	header, err := s.watch.Headers(ctx, name)
	switch {
	case errors.Is(err, object.ErrAccess):
		return nil // a writer need not be allowed to read
	case err != nil:
		s.watch.Say("%s: what the server made of %s could not be seen: %v", s.Location(), p, err)
		return nil
	}
	lost, unencrypted := p.lost(header)
	switch {
	case unencrypted && !s.rules.settings.Optional:
		return &object.Error{
			Op: "put", Name: name, Err: fmt.Errorf("%w: the server took the object and did not do as asked: %s", object.ErrUnsupported, strings.Join(lost, ", ")),
			Advice: "choose what this provider has, or go on without by --class-optional",
		}
	case len(lost) > 0:
		s.watch.Say("%s: the server took %s and did not do as asked: %s", s.Location(), p, strings.Join(lost, ", "))
	default:
		s.mu.Lock()
		defer s.mu.Unlock()
		if k := s.cache.get(); k != nil {
			s.checked = append(s.checked, p)
			s.cache.keep(known{k.File, s.seen()})
		}
	}
	return nil
}

// first says whether an object is the first to look at, and remembers it.
func (s *Store) first(name string, p Params) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.looked, p) || !isPack(name) && slices.Contains(s.before, p) {
		return false
	}
	s.looked = append(s.looked, p)
	return true
}

// standard is the class that servers do not mention.
const standard = "STANDARD"

// lost says in which points an object is not as it was asked for, and whether
// its encryption is among them. An ACL is not told by servers.
func (p Params) lost(header http.Header) (lost []string, unencrypted bool) {
	note := func(what, wanted, found string) {
		if found == "" {
			found = "none"
		}
		lost = append(lost, fmt.Sprintf("%s is %s and not %s", what, printable(found), wanted))
	}
	class := header.Get("X-Amz-Storage-Class")
	if class == "" {
		class = standard
	}
	if p.Class != "" && class != p.Class {
		note("storage class", p.Class, class)
	}
	before := len(lost)
	kind, key := header.Get("X-Amz-Server-Side-Encryption"), header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")
	if header.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm") != "" {
		kind = EncryptCustomer
	}
	switch {
	case p.Encryption != "" && kind != p.Encryption:
		note("encryption", p.Encryption, kind)
	case !sameKey(p.KMSKey, key):
		note("encryption key", p.KMSKey, key)
	case p.BucketKey && header.Get("X-Amz-Server-Side-Encryption-Bucket-Key-Enabled") != "true":
		note("bucket key", "enabled", "off")
	}
	unencrypted = len(lost) > before
	if tags, err := url.ParseQuery(p.Tags); err == nil {
		count := header.Get("X-Amz-Tagging-Count") // only for those who may read tags
		if found, err := strconv.Atoi(count); err == nil && found != len(tags) {
			note("number of tags", strconv.Itoa(len(tags)), count)
		}
	}
	return lost, unencrypted
}

// sameKey compares a key as it was asked for with the ARN or ID that the server
// names. What stands behind an alias is not told.
func sameKey(wanted, found string) bool {
	return wanted == "" || strings.Contains(wanted, "alias/") || found == wanted ||
		strings.HasSuffix(found, "/"+wanted) || strings.HasSuffix(wanted, "/"+found) && found != ""
}

// printable is a server's word fit to be shown.
func printable(word string) string {
	return strings.Trim(strconv.QuoteToASCII(word), `"`)
}

// String says in words what is asked for.
func (p Params) String() string {
	var words []string
	add := func(what, value string) {
		if value != "" {
			words = append(words, strings.TrimSpace(what+" "+value))
		}
	}
	add("class", p.Class)
	add("encryption", p.Encryption)
	add("key", p.KMSKey)
	if p.BucketKey {
		add("bucket key", " ")
	}
	add("tags", p.Tags)
	add("ACL", p.ACL)
	if len(words) == 0 {
		return "the server's own choice"
	}
	return strings.Join(words, ", ")
}
