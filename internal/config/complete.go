package config

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"unicode"
)

// problem is what is wrong with one setting.
type problem struct {
	key  string // "" if about several
	text string
}

func (p problem) Error() string {
	if p.key == "" {
		return p.text
	}
	return p.key + ": " + p.text
}

// problems collects what is wrong with the settings of a drive.
type problems []problem

func (p *problems) add(key, format string, values ...any) {
	*p = append(*p, problem{key, fmt.Sprintf(format, values...)})
}

// complete brings settings into their one spelling and returns what is wrong
// with them. A second call changes nothing.
func (d *Drive) complete() problems {
	var p problems
	d.checkKind(&p)
	d.checkSources(&p)
	if d.Label != "" {
		d.checkLabel(&p)
	}
	switch d.Provider {
	case Local:
		d.completePath(&p)
	case S3:
		d.completeVendor(&p)
		d.completeEndpoint(&p)
		d.checkBucket(&p)
		d.completePrefix(&p)
		d.checkPairs(&p)
		d.checkProxy(&p)
		d.checkEncryption(&p)
	}
	return p
}

// checkKind refuses settings that are for another kind of drive.
func (d *Drive) checkKind(p *problems) {
	switch d.Provider {
	case "":
		p.add("provider", "missing: write s3 or local")
		return
	case S3, Local:
	default:
		if v, ok := FindVendor(d.Provider); ok {
			p.add("provider", "%s is a vendor: write provider: s3 and vendor: %s", d.Provider, v.Name)
		} else {
			p.add("provider", "%q is neither s3 nor local", d.Provider)
		}
		return
	}
	value := reflect.ValueOf(d).Elem()
	for _, f := range fieldsOf(driveType) {
		if f.only != "" && f.only != d.Provider && !value.Field(f.index).IsZero() {
			p.add(f.key, "is for drives with provider %s, and this one has provider %s", f.only, d.Provider)
		}
	}
}

// checkSources refuses secrets that come from more than one place.
func (d *Drive) checkSources(p *problems) {
	value := reflect.ValueOf(d).Elem()
	for _, f := range fieldsOf(driveType) {
		if _, hasFile := fieldOf(driveType, f.key+"_file"); !hasFile {
			continue
		}
		var given []string
		for _, key := range []string{f.key, f.key + "_file", f.key + "_command"} {
			source, ok := fieldOf(driveType, key)
			if ok && !value.Field(source.index).IsZero() {
				given = append(given, key)
			}
		}
		if len(given) > 1 {
			p.add(given[1], "%s are given; one of them must go", strings.Join(given, " and "))
		}
	}
}

// checkPairs refuses settings that need another one.
func (d *Drive) checkPairs(p *problems) {
	access := !d.AccessKey.IsZero() || d.AccessKeyFile != "" || d.AccessKeyCommand != nil
	secret := !d.SecretKey.IsZero() || d.SecretKeyFile != "" || d.SecretKeyCommand != nil
	token := !d.SessionToken.IsZero() || d.SessionTokenFile != "" || d.SessionTokenCommand != nil
	for _, pair := range []struct {
		has, needs   bool
		key, missing string
	}{
		{access, secret, "secret_key", "access_key"},
		{secret, access, "access_key", "secret_key"},
		{token, access, "access_key", "session_token"},
		{d.ClientCert != "", d.ClientKey != "", "client_key", "client_cert"},
		{d.ClientKey != "", d.ClientCert != "", "client_cert", "client_key"},
		{d.ExternalID != "", d.RoleARN != "", "role_arn", "external_id"},
	} {
		if pair.has && !pair.needs {
			p.add(pair.key, "missing: it belongs to %s", pair.missing)
		}
	}
	if access && d.Profile != "" {
		p.add("profile", "given with access_key: one of them must go")
	}
}

func (d *Drive) checkProxy(p *problems) {
	text := d.Proxy.Reveal()
	if text == "" || text == "none" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" {
		p.add("proxy", "is not http://HOST:PORT, https://… or socks5://…, nor none")
	}
}

// printable reports whether all of a text can be shown.
func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) })
}
