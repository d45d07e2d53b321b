package config

import (
	"regexp"
	"strings"
)

// hostForm recognises the host names made from one template.
type hostForm struct {
	suffix     string // what every such name ends with, to pass over others quickly
	expression *regexp.Regexp
}

// compileHost makes a recogniser of a template such as s3.{region}.example.com.
// A bucket may stand before the host.
func compileHost(template string) hostForm {
	pattern := regexp.QuoteMeta(template)
	pattern = strings.ReplaceAll(pattern, `\{region\}`, `(?P<region>[a-z0-9-]+)`)
	pattern = strings.ReplaceAll(pattern, `\{account\}`, `[a-z0-9-]+`)
	return hostForm{
		suffix:     template[strings.LastIndexByte(template, '}')+1:],
		expression: regexp.MustCompile(`^(?:(?P<bucket>[a-z0-9._-]+)\.)?` + pattern + `$`),
	}
}

// match takes region and bucket out of a host name in lower case.
func (f hostForm) match(host string) (region, bucket string, ok bool) {
	if !strings.HasSuffix(host, f.suffix) {
		return "", "", false
	}
	parts := f.expression.FindStringSubmatch(host)
	if parts == nil {
		return "", "", false
	}
	if i := f.expression.SubexpIndex("region"); i > 0 {
		region = parts[i]
	}
	return region, parts[f.expression.SubexpIndex("bucket")], true
}

// vendorOfHost finds whose server a host name is, and what of region and
// bucket stands in it. Of several readings the one without a bucket is taken.
func vendorOfHost(host string) (vendor *Vendor, region, bucket string) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, v := range Vendors() {
		for _, form := range v.patterns {
			r, b, ok := form.match(host)
			if ok && b == "" {
				return v, r, ""
			}
			if ok && vendor == nil {
				vendor, region, bucket = v, r, b
			}
		}
	}
	if vendor != nil {
		return vendor, region, bucket
	}
	for _, v := range Vendors() {
		for _, domain := range v.Domains {
			if host == domain || strings.HasSuffix(host, "."+domain) {
				return v, "", ""
			}
		}
	}
	return nil, "", ""
}
