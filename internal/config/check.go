package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
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
			if text := setting.Reveal(); text != "" && f.key != "access_key" && (f.key != "proxy" || strings.Contains(text, "@")) && k.literal(i, f.key) {
				k.add(i, f.key, "a secret stands in the file", "write "+f.key+": ${VARIABLE}"+elsewhere(f.key))
			}
		case string:
			if setting != "" && (strings.HasSuffix(f.key, "_file") && f.key != "ca_file" && f.key != "access_key_file" || f.key == "client_key") {
				k.readable(setting, d.Label, fmt.Sprintf("drives[%d].%s", i, f.key))
			}
		}
	}
	for _, w := range d.Warnings() {
		k.add(i, w.Key, w.Text, w.Advice)
	}
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
