package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
)

var (
	bucketRule = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	bucketOld  = regexp.MustCompile(`^[A-Za-z0-9._-]{3,255}$`)
)

// CheckBucketName checks the name of a bucket to be created by the rules all
// servers share: AWS's for general purpose buckets.
func CheckBucketName(name string) error {
	switch {
	case len(name) < 3 || len(name) > 63:
		return fmt.Errorf("%q has %d characters; bucket names have 3 to 63", name, len(name))
	case strings.ToLower(name) != name:
		return fmt.Errorf("%q has capital letters; bucket names have small ones only", name)
	case !bucketRule.MatchString(name):
		return fmt.Errorf("%q is not made of a-z, 0-9, dots and dashes with a letter or digit at both ends", name)
	case strings.Contains(name, ".."):
		return fmt.Errorf("%q has two dots side by side", name)
	case net.ParseIP(name) != nil:
		return fmt.Errorf("%q looks like an IP address", name)
	}
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, prefix) {
			return fmt.Errorf("%q begins with %s, which is reserved", name, prefix)
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, suffix) {
			return fmt.Errorf("%q ends with %s, which is reserved", name, suffix)
		}
	}
	return nil
}

// checkExisting checks the name of a bucket that may be older than the rules.
func checkExisting(name string) error {
	switch {
	case bucketOld.MatchString(name), accessPoint.FindString(name) == name && name != "":
		return nil
	case name == "":
		return errors.New("missing: name the bucket")
	case strings.ContainsAny(name, "<>{}"):
		return fmt.Errorf("%q is a placeholder: put the name of your bucket there", name)
	}
	return fmt.Errorf("%q is no bucket name: they have 3 to 63 of a-z, 0-9, dots and dashes", name)
}

func (d *Drive) checkBucket(p *problems) {
	check := checkExisting
	if d.CreateBucket && d.Bucket != "" {
		check = CheckBucketName
	}
	if err := check(d.Bucket); err != nil {
		p.add("bucket", "%v", err)
	}
}

// SuggestBucketNames returns names that are probably free: the wanted one with
// the account's ID before it and with a random part behind it. Bucket names are
// shared with all customers of a vendor, so that short ones are taken.
func SuggestBucketNames(wanted, accountID string) []string {
	var names []string
	wanted = strings.ToLower(wanted)
	if id := strings.ToLower(accountID); id != "" {
		names = append(names, id+"-"+wanted)
	}
	names = append(names, wanted+"-"+strings.ToLower(rand.Text()[:8]))
	valid := names[:0]
	for _, name := range names {
		if CheckBucketName(name) == nil {
			valid = append(valid, name)
		}
	}
	return valid
}

// CommonBucketName reports whether a bucket's name is so plain that somebody has
// it: an access that is denied may then mean that the bucket is another's.
func CommonBucketName(name string) bool {
	return len(name) <= 12 && !strings.ContainsAny(name, "0123456789")
}

// hostLabel reports whether a bucket can stand before a host name, where a
// certificate for *.HOST covers it if tls.
func hostLabel(bucket string, tls bool) bool {
	return CheckBucketName(bucket) == nil && !(tls && strings.Contains(bucket, "."))
}
