package config

import (
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// settingWarnings warns of settings that give up safety.
func (d *Drive) settingWarnings() []Warning {
	var list []Warning
	if strings.HasPrefix(d.Endpoint, "http://") && !loopback(endpointHost(d.Endpoint)) {
		list = append(list, Warning{Key: "endpoint", Text: "plain HTTP: requests are signed, but everybody on the way can see them and what is not encrypted in them; " +
			"write https:// if the server has TLS"})
	}
	if d.Endpoint == "" && d.UseTLS != nil {
		list = append(list, Warning{Key: "use_tls", Text: "plain HTTP: everybody on the way can see the requests; leave use_tls out, the server has TLS"})
	}
	if d.VerifySSL != nil && !*d.VerifySSL {
		list = append(list, Warning{Key: "verify_ssl", Text: "the server's certificate is not checked, so that anybody on the way can pose as the server; " +
			"ca_file makes a private authority trusted"})
	}
	v, ok := FindVendor(d.Vendor)
	switch inHost := d.ForcePathStyle != nil && !*d.ForcePathStyle; {
	case inHost && net.ParseIP(endpointHost(d.Endpoint)) != nil:
		list = append(list, Warning{"force_path_style", "false has no effect: no bucket can stand before an IP address", "leave it out"})
	case inHost && ok && v.Style == "path":
		list = append(list, Warning{"force_path_style", "is false, and " + v.Title + " has the bucket in the path unless it is set up otherwise",
			"leave it out if the bucket is not found"})
	}
	if ok && d.Region != "" && len(v.Regions) > 0 && !slices.Contains(v.Regions, d.Region) {
		text := fmt.Sprintf("%s is not among the regions known of %s", d.Region, v.Title)
		if near := nearest(d.Region, v.Regions); near != "" {
			text += "; did you mean " + near + "?"
		}
		list = append(list, Warning{Key: "region", Text: text})
	}
	return list
}

// keyWarnings warns of keys that cannot be right or that everybody knows. The
// texts do not repeat them.
func (d *Drive) keyWarnings() []Warning {
	var list []Warning
	value := reflect.ValueOf(d).Elem()
	for _, f := range fieldsOf(driveType) {
		setting, ok := value.Field(f.index).Interface().(Secret)
		if text := setting.Reveal(); ok && text != "" && f.key != "proxy" {
			list = append(list, d.keyWarning(f.key, text)...)
		}
	}
	if len(d.AccessKey.Reveal()) == 40 && len(d.SecretKey.Reveal()) == 20 {
		list = append(list, Warning{"access_key", "access_key and secret_key look exchanged: AWS's have 20 and 40 characters", "exchange them"})
	}
	return list
}

// keyWarning looks at one key or passphrase.
func (d *Drive) keyWarning(key, text string) (list []Warning) {
	isKey := key != "passphrase"
	switch {
	case strings.TrimSpace(text) != text:
		list = append(list, Warning{key, "begins or ends with a blank", "remove it, it was probably copied by mistake"})
	case isKey && strings.ContainsFunc(text, unicode.IsSpace):
		list = append(list, Warning{key, "has a blank in it, and keys never have", "copy it again"})
	case isKey && strings.ContainsAny(text, "'\"`"):
		list = append(list, Warning{key, "has a quote in it, and keys never have", "remove the quotes, they were probably copied by mistake"})
	case isKey && strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) }):
		list = append(list, Warning{key, "has a character in it that keys never have", "copy it again"})
	}
	switch {
	case exampleKey(text):
		list = append(list, Warning{key, "is the example from a document", "put your own there"})
	case strings.HasPrefix(text, "minioadmin") && !loopback(endpointHost(d.Endpoint)):
		list = append(list, Warning{key, "is what MinIO has by default, which everybody knows", "change it at the server"})
	}
	return list
}

// exampleKey reports whether a key is one that documents show.
func exampleKey(text string) bool {
	switch strings.ToUpper(strings.Trim(text, "<>")) {
	case "AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE", "ASIAIOSFODNN7EXAMPLE",
		"WJALRXUTNFEMI/K7MDENG/BPXRFICYEXAMPLEKEY", "JE7MTGBCLWBF/2ZK/UTK/HBYEXAMPLEKEY",
		"YOUR_ACCESS_KEY", "YOUR_SECRET_KEY", "ACCESS_KEY", "SECRET_KEY", "PASSPHRASE", "CHANGEME":
		return true
	}
	return strings.Trim(text, "*") == ""
}
