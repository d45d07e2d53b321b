package config

import (
	"fmt"
	"strings"
)

// Fact is one thing known of a vendor, for people to read.
type Fact struct {
	Name, Text string
	Code       bool // Text is words to be written as they are, with blanks between
	Link       bool // Text is the address of a page
}

// Facts lists what is known of a vendor but its quirks and advice; what is not
// known or does not apply is left out.
func (v *Vendor) Facts() []Fact {
	style := "in the host name (virtual)"
	if v.Style == "path" {
		style = "in the path"
	}
	endpoint := v.Endpoint
	if endpoint == "" {
		endpoint = "your own server's; endpoint must be given"
	}
	days := ""
	if v.MinimumDays > 0 {
		days = fmt.Sprintf("%d days, however soon it is deleted", v.MinimumDays)
	}
	all := []Fact{
		{Name: "Endpoint", Text: endpoint, Code: v.Endpoint != ""},
		{Name: "Other host names", Text: strings.Join(v.otherHosts(), " "), Code: true},
		{Name: "Regions", Text: strings.Join(v.Regions, " "), Code: true},
		{Name: "Region by default", Text: v.Region, Code: true},
		{Name: "The bucket stands", Text: style},
		{Name: "Storage classes", Text: strings.Join(v.Classes, " "), Code: true},
		{Name: "Classes to be thawed before reading", Text: strings.Join(v.Archive, " "), Code: true},
		{Name: "An object is charged for at least", Text: days},
		{Name: "Conditional PUT", Text: v.Conditional},
		{Name: "x-amz-checksum-sha256", Text: v.Checksums},
		{Name: "Object Lock", Text: v.ObjectLock},
		{Name: "Listing call", Text: fmt.Sprintf("version %d", v.Listing)},
		{Name: "To make a bucket", Text: v.Buckets, Link: true},
		{Name: "To make keys", Text: v.Keys, Link: true},
	}
	known := all[:0]
	for _, f := range all {
		if f.Text != "" {
			known = append(known, f)
		}
	}
	return known
}

// otherHosts are the forms of host names besides that of the endpoint.
func (v *Vendor) otherHosts() []string {
	if v.Endpoint == "" {
		return v.Hosts
	}
	return v.Hosts[1:]
}

// Server is a vendor's server of one region.
type Server struct{ Region, Endpoint string }

// Servers lists a vendor's servers in all regions known. account is the
// customer's, for host names that have it.
func (v *Vendor) Servers(account string) ([]Server, error) {
	switch {
	case v.Endpoint == "":
		return nil, fmt.Errorf("vendor %s has no servers that are known: everybody has another", v.Name)
	case strings.Contains(v.Endpoint, "{account}") && account == "":
		return nil, fmt.Errorf("account is missing: %s has a server for each customer, %s", v.Title, v.Endpoint)
	}
	regions := v.Regions
	if len(regions) == 0 {
		regions = []string{v.Region}
	}
	var list []Server
	for _, region := range regions {
		text := v.Endpoint
		if v.Name == "aws" && strings.HasPrefix(region, "cn-") {
			text += ".cn"
		}
		list = append(list, Server{region, strings.NewReplacer("{region}", region, "{account}", account).Replace(text)})
	}
	return list, nil
}
