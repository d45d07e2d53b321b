package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

func (d *Drive) completeVendor(p *problems) {
	if d.Vendor == "" {
		return
	}
	v, err := VendorNamed(d.Vendor)
	if err != nil {
		p.add("vendor", "%v", err)
		return
	}
	d.Vendor = v.Name
	if v.Endpoint == "" && d.Endpoint == "" {
		p.add("endpoint", "missing: vendor %s needs the address of the server, as https://HOST:PORT", v.Name)
	}
}

// completeEndpoint puts a scheme before the endpoint and drops use_tls, which
// it then says.
func (d *Drive) completeEndpoint(p *problems) {
	if d.UseTLS != nil && *d.UseTLS {
		if strings.HasPrefix(strings.ToLower(d.Endpoint), "http://") {
			p.add("use_tls", "says true, and the endpoint says http://")
			return
		}
		d.UseTLS = nil // the default
	}
	if d.Endpoint == "" {
		return
	}
	scheme, rest, ok := strings.Cut(d.Endpoint, "://")
	if !ok {
		scheme, rest = "https", d.Endpoint
		if d.UseTLS != nil {
			scheme = "http"
		}
	}
	scheme = strings.ToLower(scheme)
	switch {
	case scheme != "http" && scheme != "https":
		p.add("endpoint", "begins with neither https:// nor http://")
		return
	case scheme == "https" && d.UseTLS != nil:
		p.add("use_tls", "says false, and the endpoint says https://")
		return
	}
	d.UseTLS = nil
	rest = strings.TrimRight(rest, "/")
	d.Endpoint = scheme + "://" + rest
	if err := checkEndpoint(d.Endpoint); err != nil {
		p.add("endpoint", "%v", err)
		return
	}
	if strings.Contains(rest, "{account}") && d.Account == "" {
		p.add("account", "missing: the endpoint has {account} in it")
	}
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// checkEndpoint checks an endpoint with a scheme; it does not repeat what may
// be a password.
func checkEndpoint(endpoint string) error {
	for _, name := range placeholder.FindAllString(endpoint, -1) {
		if name != "{region}" && name != "{bucket}" && name != "{account}" {
			return fmt.Errorf("%s is not known: there are {region}, {bucket} and {account}", name)
		}
	}
	if found := unfilled.FindString(endpoint); found != "" {
		return fmt.Errorf("%s is a placeholder: write your own there", found)
	}
	plain := placeholder.ReplaceAllString(strings.TrimSuffix(endpoint, "/{bucket}"), "x")
	u, err := url.Parse(plain)
	switch {
	case err != nil, u != nil && u.Hostname() == "":
		return errors.New("is not https://HOST or https://HOST:PORT")
	case u.User != nil:
		return errors.New("keys are not given before @: give them as access_key and secret_key")
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return errors.New("has more than https://HOST:PORT: the rest belongs to bucket and prefix")
	case !hostPattern.MatchString(u.Hostname()):
		return fmt.Errorf("%q is no host name", u.Hostname())
	}
	return nil
}

var hostPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$|^[0-9A-Fa-f:.%A-Za-z]*:[0-9A-Fa-f:.%A-Za-z]*$`)
