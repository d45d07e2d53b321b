package config

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
)

// Setting is a value and where it came from, in words to show.
type Setting struct{ Value, From string }

// Address is where an S3 drive is and how its bucket is addressed.
type Address struct {
	// Vendor is whose server it is; custom if that is not known.
	Vendor *Vendor
	// Endpoint is https://HOST[:PORT] without placeholders; "" stands for AWS's
	// own server of the region.
	Endpoint Setting
	// Region is the region; "" means that the server's answers must tell.
	Region Setting
	// PathStyle says whether the bucket stands in the path, and PathStyleFrom why.
	PathStyle     bool
	PathStyleFrom string
}

// AWS reports whether the server is AWS's own.
func (a *Address) AWS() bool { return a.Vendor.Name == "aws" }

// Resolve completes the address of an S3 drive from its vendor, the host name
// and the environment, in this order, and says where each part came from.
func (d *Drive) Resolve() (Address, error) { return d.resolve(environment) }

func (d *Drive) resolve(look lookup) (Address, error) {
	if d.Provider != S3 {
		return Address{}, fmt.Errorf("resolve drive %s: it is no S3 drive", d)
	}
	host := endpointHost(d.Endpoint)
	vendor, region, _ := vendorOfHost(host)
	by := "host name " + host
	switch {
	case d.Vendor != "":
		vendor, _ = FindVendor(d.Vendor)
		by = "vendor " + d.Vendor
	case d.Endpoint == "":
		vendor, _ = FindVendor("aws")
		by = "AWS, since neither vendor nor endpoint is given"
	}
	if vendor == nil {
		vendor, _ = FindVendor(Custom)
	}
	a := Address{Vendor: vendor}
	a.Region = d.region(&a, by, host, region, look)
	if err := d.endpoint(&a, by); err != nil {
		return Address{}, fmt.Errorf("resolve drive %s: %w", d, err)
	}
	d.style(&a, by)
	return a, nil
}

// region finds the region.
func (d *Drive) region(a *Address, by, host, inHost string, look lookup) Setting {
	switch {
	case d.Region != "":
		return Setting{d.Region, "region"}
	case a.Vendor.Region != "":
		return Setting{a.Vendor.Region, by}
	case inHost != "":
		return Setting{inHost, "host name " + host}
	case d.LocationConstraint == "EU" && a.AWS():
		return Setting{"eu-west-1", "location_constraint EU"}
	case d.LocationConstraint != "":
		return Setting{d.LocationConstraint, "location_constraint"}
	}
	if a.AWS() {
		for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
			if value, _ := look(name); value != "" {
				return Setting{value, "environment variable " + name}
			}
		}
	}
	return Setting{"", "the server's answers"}
}

// endpoint fills in the endpoint's placeholders; {bucket} decides the style.
func (d *Drive) endpoint(a *Address, by string) error {
	text, from := d.Endpoint, "endpoint"
	if text == "" {
		if text, from = a.Vendor.Endpoint, by; a.AWS() {
			text = ""
		}
		if d.UseTLS != nil && a.AWS() {
			text, from = "http://s3.{region}.amazonaws.com", "use_tls"
		} else if d.UseTLS != nil {
			text = strings.Replace(text, "https://", "http://", 1)
		}
	}
	if strings.Contains(text, "{region}") && a.Region.Value == "" {
		if d.Endpoint != "" {
			return fmt.Errorf("region is missing: the endpoint %s needs it", d.Endpoint)
		}
		return fmt.Errorf("region is missing: %s has a server for each: %s", a.Vendor.Title, strings.Join(a.Vendor.Regions, ", "))
	}
	if strings.Contains(text, "{account}") && d.Account == "" {
		return fmt.Errorf("account is missing: %s has a server for each customer, %s", a.Vendor.Title, text)
	}
	if before, ok := strings.CutSuffix(text, "/{bucket}"); ok {
		text, a.PathStyle, a.PathStyleFrom = before, true, "{bucket} in the endpoint's path"
	} else if strings.Contains(text, "://{bucket}.") {
		text, a.PathStyleFrom = strings.Replace(text, "{bucket}.", "", 1), "{bucket} in the endpoint's host name"
	}
	text = strings.NewReplacer("{region}", a.Region.Value, "{account}", d.Account, "{bucket}", d.Bucket).Replace(text)
	a.Endpoint = Setting{text, from}
	return nil
}

// style decides between path style and virtual-hosted style.
func (d *Drive) style(a *Address, by string) {
	tls := !strings.HasPrefix(a.Endpoint.Value, "http://")
	switch {
	case accessPoint.MatchString(d.Bucket):
		a.PathStyle, a.PathStyleFrom = false, "bucket, which is an access point"
	case !hostLabel(d.Bucket, tls):
		a.PathStyle, a.PathStyleFrom = true, "bucket, whose name cannot stand in a host name"
	case net.ParseIP(endpointHost(a.Endpoint.Value)) != nil:
		a.PathStyle, a.PathStyleFrom = true, "endpoint, an IP address, before which no bucket can stand"
	case d.ForcePathStyle != nil:
		a.PathStyle, a.PathStyleFrom = *d.ForcePathStyle, "force_path_style"
	case a.PathStyleFrom != "": // the endpoint said
	case a.Vendor.Name == Custom:
		a.PathStyle, a.PathStyleFrom = true, "the server, which is not AWS's"
	default:
		a.PathStyle, a.PathStyleFrom = a.Vendor.Style == "path", by
	}
}

// endpointHost is the host name in an endpoint, without placeholders' braces
// resolved.
func endpointHost(endpoint string) string {
	_, rest, _ := strings.Cut(endpoint, "://")
	rest, _, _ = strings.Cut(rest, "/")
	host, _, _ := splitPort(rest)
	return strings.ToLower(host)
}

// home is the same text for two drives if and only if they are the same
// directory as far as names can tell.
func (d *Drive) home() string {
	if d.Provider == Local {
		if real, err := filepath.EvalSymlinks(d.Path); err == nil {
			return "file " + real
		}
		return "file " + d.Path
	}
	server := d.Endpoint
	if a, err := d.Resolve(); err == nil {
		if server = a.Endpoint.Value; a.AWS() {
			server = "aws" // whose bucket names are one space, whatever the host
		}
	}
	scheme, host, _ := strings.Cut(strings.ToLower(server), "://")
	host = strings.TrimSuffix(host, map[string]string{"http": ":80", "https": ":443"}[scheme])
	if host == "" {
		host = server
	}
	return strings.Join([]string{"s3", host, d.Bucket, d.KeyPrefix()}, " ")
}

// loopback reports whether a host is this machine and nothing on the way.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
