package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"firn/internal/config"
)

// askBucket asks for a bucket and the keys to it.
func (a *app) askBucket(q *dialogue) (config.Drive, error) {
	var none config.Drive
	set := config.Drive{Provider: config.S3}
	vendor, err := askVendor(q, &set)
	if err != nil {
		return none, err
	}
	if err := askRegion(q, vendor, &set); err != nil {
		return none, err
	}
	if set.Bucket, err = q.need("bucket (it may not exist yet)", "", config.CheckBucketName); err != nil {
		return none, err
	}
	if set.Prefix, err = q.ask("folder in the bucket", "firn"); err != nil {
		return none, err
	}
	if vendor.Keys != "" {
		q.tell("Keys are made at %s", vendor.Keys)
	}
	key, err := q.ask("access key ID (Enter: found as other AWS programs do)", "")
	if err != nil {
		return none, err
	}
	if key != "" {
		secret, err := askHidden("secret access key: ")
		if err != nil {
			return none, err
		}
		set.AccessKey, set.SecretKey = config.NewSecret(key), config.NewSecret(strings.TrimSpace(string(secret)))
	}
	// Parsing checks what was answered, and that it fits together.
	checked, err := config.ParseDrive(set.URL())
	if err != nil {
		return none, usage(err)
	}
	checked.AccessKey, checked.SecretKey = set.AccessKey, set.SecretKey
	return checked, nil
}

// askVendor asks for the vendor or the server's address.
func askVendor(q *dialogue, set *config.Drive) (*config.Vendor, error) {
	q.tell("\nWhose storage is it? Give the address (https://…) of a server that is not among these:")
	line := " "
	for _, v := range config.Vendors() {
		if v.Name == config.Custom {
			continue
		}
		if len(line)+len(v.Name) > menuWidth {
			q.tell("%s", line)
			line = " "
		}
		line += " " + v.Name
	}
	q.tell("%s", line)
	var vendor *config.Vendor
	_, err := q.need("vendor or address", "aws", func(answer string) error {
		if strings.Contains(answer, "://") {
			vendor, _ = config.FindVendor(config.Custom)
			set.Vendor, set.Endpoint = config.Custom, answer
			return nil
		}
		known, ok := config.FindVendor(answer)
		if !ok || known.Name == config.Custom {
			return fmt.Errorf("%q is not known; the address begins with https://", answer)
		}
		vendor, set.Vendor = known, known.Name
		return nil
	})
	if err != nil {
		return nil, err
	}
	if vendor.Endpoint == "" && set.Endpoint == "" {
		set.Endpoint, err = q.need("address of the server (https://…)", "", nil)
	} else if strings.Contains(vendor.Endpoint, "{account}") {
		set.Account, err = q.need("account, the first part of "+vendor.Endpoint, "", nil)
	}
	return vendor, err
}

// menuWidth is the length of a line of a menu.
const menuWidth = 78

// askRegion asks for the region where the vendor does not settle it.
func askRegion(q *dialogue, vendor *config.Vendor, set *config.Drive) (err error) {
	switch {
	case vendor.Region != "" && len(vendor.Regions) <= 1:
		return nil
	case len(vendor.Regions) == 0:
		set.Region, err = q.ask("region (Enter if the server has none)", "")
		return err
	}
	otherwise := vendor.Region
	if otherwise == "" {
		otherwise = vendor.Regions[0]
	}
	q.tell("Regions: %s", strings.Join(vendor.Regions, " "))
	set.Region, err = q.need("region", otherwise, func(answer string) error {
		if strings.ContainsAny(answer, " /") {
			return errors.New("that is no region")
		}
		if !slices.Contains(vendor.Regions, answer) {
			q.tell("  it is not among those known, and taken as it is")
		}
		return nil
	})
	return err
}
