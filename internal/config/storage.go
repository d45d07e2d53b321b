package config

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ClassRule is the storage class of objects whose names begin with a prefix.
type ClassRule struct {
	// Prefix is what the names begin with: p for data packs, q for metadata
	// packs, and so on. Empty means all.
	Prefix string `yaml:"prefix"`

	// Class is the storage class, such as STANDARD_IA.
	Class string `yaml:"class"`
}

// ClassRules are storage classes by prefix, of which the first that matches
// holds. As a text they are written PREFIX=CLASS,PREFIX=CLASS; without PREFIX=
// a class is for all names.
type ClassRules []ClassRule

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *ClassRules) UnmarshalText(text []byte) error {
	var rules ClassRules
	for part := range strings.SplitSeq(string(text), ",") {
		prefix, class, found := strings.Cut(part, "=")
		if !found {
			prefix, class = "", part
		}
		rule := ClassRule{strings.TrimSpace(prefix), strings.TrimSpace(class)}
		if err := rule.check(); err != nil {
			return err
		}
		rules = append(rules, rule)
	}
	*r = rules
	return nil
}

func (r ClassRule) check() error {
	switch {
	case r.Class == "":
		return errors.New("a storage class is missing: write PREFIX=CLASS, as in p=INTELLIGENT_TIERING")
	case strings.ContainsAny(r.Prefix+r.Class, ",= \t\r\n"):
		return fmt.Errorf("prefix %q and class %q must be words without commas and equals signs", r.Prefix, r.Class)
	}
	return nil
}

// String writes the rules as UnmarshalText reads them.
func (r ClassRules) String() string {
	parts := make([]string, len(r))
	for i, rule := range r {
		parts[i] = rule.Class
		if rule.Prefix != "" {
			parts[i] = rule.Prefix + "=" + rule.Class
		}
	}
	return strings.Join(parts, ",")
}

// MarshalText writes the rules as UnmarshalText reads them.
func (r ClassRules) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// checkEncryption refuses settings of encryption by the server that do not fit.
func (d *Drive) checkEncryption(p *problems) {
	kms := d.SSE == "aws:kms" || d.SSE == "aws:kms:dsse"
	key := !d.SSECustomerKey.IsZero() || d.SSECustomerKeyFile != "" || d.SSECustomerKeyCommand != nil
	switch {
	case d.SSEKMSKeyID != "" && !kms:
		p.add("sse_kms_key_id", "is for sse: aws:kms")
	case d.SSEBucketKey && !kms:
		p.add("sse_bucket_key", "is for sse: aws:kms")
	case d.SSE == "customer" && !key:
		p.add("sse", "customer needs a key: give sse_customer_key")
	}
}

// CustomerKey returns the key that the server shall encrypt with, nil if there is
// none. Errors do not hold it.
func (d *Drive) CustomerKey(ctx context.Context) ([]byte, error) {
	found, err := d.find(ctx, "sse_customer_key")
	if err != nil || found.Secret.IsZero() {
		return nil, err
	}
	const size = 32
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(found.Secret.Reveal()))
	if err != nil || len(key) != size {
		return nil, fmt.Errorf("sse_customer_key: is not %d bytes in base64, as 'openssl rand -base64 %d' makes them", size, size)
	}
	return key, nil
}

// MustThaw says whether objects of a storage class must be thawed before they
// can be read, and whether that is known of this vendor.
func (v *Vendor) MustThaw(class string) (thaw, known bool) {
	class = strings.ToUpper(class)
	return slices.Contains(v.Archive, class), slices.Contains(v.Classes, class)
}
