package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// Finding is something in a configuration that works and should be otherwise.
type Finding struct {
	File         string // the file it is about
	Line, Column int    // 0 if it is about the file
	Key          string // the setting, as drives[0].secret_key
	Drive        string // the drive's label, "" if it is about none
	Text         string // what it is, without secrets
	Advice       string // what to do
}

// String shows the finding on one line.
func (f Finding) String() string {
	e := Error{f.File, f.Line, f.Column, f.Key, f.Text}
	if f.Advice == "" {
		return e.Error()
	}
	return e.Error() + ": " + f.Advice
}

// Check looks for what is unsafe or probably not meant: secrets written into
// the file, files that others can read, blanks and quotes in keys, keys copied
// from documents, plain HTTP.
func Check(c *Config) []Finding {
	k := checker{config: c}
	k.readable(c.Path, "", "")
	for i := range c.Drives {
		k.drive(i)
	}
	return k.found
}

type checker struct {
	config *Config
	found  []Finding
}

// add reports on a setting of drive i under the name it has in the file.
func (k *checker) add(i int, key, text, advice string) {
	name := fmt.Sprintf("drives[%d].%s", i, key)
	at, ok := k.config.origins[name]
	for other, a := range aliases {
		if ok {
			break
		}
		if a.of == key || a.of == location && key == "endpoint" {
			name = fmt.Sprintf("drives[%d].%s", i, other)
			at, ok = k.config.origins[name]
		}
	}
	if !ok {
		name = fmt.Sprintf("drives[%d].%s", i, key)
	}
	k.found = append(k.found, Finding{k.config.Path, at.line, at.column, name, k.config.Drives[i].Label, text, advice})
}

// literal reports whether a setting stands in the file as it is, without a variable.
func (k *checker) literal(i int, key string) bool {
	names := []string{key}
	for other, a := range aliases {
		if a.of == key {
			names = append(names, other)
		}
	}
	return slices.ContainsFunc(names, func(name string) bool {
		at, ok := k.config.origins[fmt.Sprintf("drives[%d].%s", i, name)]
		return ok && len(at.variables) == 0
	})
}

func (k *checker) drive(i int) {
	d := &k.config.Drives[i]
	value := reflect.ValueOf(d).Elem()
	for _, f := range fieldsOf(driveType) {
		switch setting := value.Field(f.index).Interface().(type) {
		case Secret:
			if !setting.IsZero() && f.key != "proxy" {
				k.secret(i, f.key, setting.Reveal())
			}
		case string:
			if setting != "" && (strings.HasSuffix(f.key, "_file") && f.key != "ca_file" && f.key != "access_key_file" || f.key == "client_key") {
				k.readable(setting, d.Label, fmt.Sprintf("drives[%d].%s", i, f.key))
			}
		}
	}
	if len(d.AccessKey.Reveal()) == 40 && len(d.SecretKey.Reveal()) == 20 {
		k.add(i, "access_key", "access_key and secret_key look exchanged: AWS's have 20 and 40 characters", "exchange them")
	}
	for _, w := range d.Warnings() {
		k.add(i, w.Key, w.Text, "")
	}
}

// secret looks at one secret. Texts of findings do not repeat it.
func (k *checker) secret(i int, key, text string) {
	if key != "access_key" && k.literal(i, key) {
		k.add(i, key, "a secret stands in the file", fmt.Sprintf("write %s: ${VARIABLE}, or use %s_file or %s_command", key, key, key))
	}
	isKey := key != "passphrase"
	switch {
	case strings.TrimSpace(text) != text:
		k.add(i, key, "begins or ends with a blank", "remove it, it was probably copied by mistake")
	case isKey && strings.ContainsFunc(text, unicode.IsSpace):
		k.add(i, key, "has a blank in it, and keys never have", "copy it again")
	case isKey && strings.ContainsAny(text, "'\"`"):
		k.add(i, key, "has a quote in it, and keys never have", "remove the quotes, they were probably copied by mistake")
	case isKey && strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) }):
		k.add(i, key, "has a character in it that keys never have", "copy it again")
	}
	d := &k.config.Drives[i]
	switch {
	case exampleKey(text):
		k.add(i, key, "is the example from a document", "put your own there")
	case strings.HasPrefix(text, "minioadmin") && !loopback(endpointHost(d.Endpoint)):
		k.add(i, key, "is what MinIO has by default, which everybody knows", "change it at the server")
	}
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

// readable reports on a file with secrets that others can read. A file that is
// not there is for those who need it to report.
func (k *checker) readable(path, label, key string) {
	path, err := homePath(path)
	if err != nil || windows {
		return
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return
	}
	k.found = append(k.found, Finding{
		File: path, Key: key, Drive: label,
		Text:   fmt.Sprintf("others than its owner may use it (mode %04o)", info.Mode().Perm()),
		Advice: "chmod 600 " + path,
	})
}
