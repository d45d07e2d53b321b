package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Option is one setting by name, as a flag or a part of a URL gives it. Names
// may be aliases and may be written with - or _.
type Option struct{ Key, Value string }

// settings fills a drive setting by setting and remembers under which name
// each was given, so that no two names of one setting contradict each other.
type settings struct {
	drive *Drive
	given map[string]string // setting → name it was given under
	look  lookup            // finds variables in values; nil: values have none
	open  map[string]bool   // settings with variables that are not set here
}

func newSettings() *settings {
	return &settings{drive: &Drive{}, given: map[string]string{}, open: map[string]bool{}}
}

// has reports whether a setting was given under any name.
func (s *settings) has(key string) bool { return s.given[key] != "" }

// hasForeign reports whether a name was given that only Duplicati uses.
func (s *settings) hasForeign() bool {
	for _, name := range s.given {
		if aliases[keyName(name)].foreign {
			return true
		}
	}
	return false
}

// set gives the setting called name its value.
func (s *settings) set(name, value string) error {
	key, a := keyName(name), alias{}
	if found, ok := aliases[key]; ok {
		a = found
		if a.useless != "" {
			s.given[key] = name
			s.warn(name, fmt.Sprintf("%s has no effect: %s", name, a.useless))
			return nil
		}
		key = a.of
	}
	if other := s.given[key]; other != "" {
		if other == name {
			return errors.New("given twice")
		}
		return fmt.Errorf("given twice, also as %s", other)
	}
	if key == location {
		s.given[location] = name
		return s.setLocation(value)
	}
	f, ok := fieldOf(driveType, key)
	if !ok {
		return unknownKey(name)
	}
	if key == "provider" {
		f.choices = nil // complete knows better what to say of others
	}
	s.given[key] = name
	if err := s.mayBeEmpty(key, value); err != nil {
		return err
	}
	if s.look != nil && strings.Contains(value, "${") {
		expanded, err := s.write(key, value, a)
		if err != nil || s.open[key] {
			return err
		}
		value = expanded
	}
	target := reflect.ValueOf(s.drive).Elem().Field(f.index)
	if value == "" && target.Kind() != reflect.Struct && target.Kind() != reflect.String {
		return errors.New("no value given")
	}
	if err := f.assign(target, value); err != nil {
		return err
	}
	if a.opposite {
		*target.Interface().(*bool) = !*target.Interface().(*bool)
	}
	return nil
}

// mayBeEmpty refuses empty values where they would silently mean something
// that was not meant: other keys, another region.
func (s *settings) mayBeEmpty(key, value string) error {
	switch {
	case value != "":
		return nil
	case key == "region":
		return errors.New("empty; name the bucket's region, such as us-east-1, or leave region out to have it found")
	case key == "provider" || key == "bucket":
		return errors.New("empty")
	}
	if f, ok := fieldOf(driveType, key); ok && f.kind == reflect.TypeFor[Secret]() {
		return errors.New("empty; leave it out if there is none")
	}
	return nil
}

// setLocation takes Plakar's location: in its URLs the server comes first.
func (s *settings) setLocation(text string) error {
	form, err := splitDrive(text, windows)
	if err != nil {
		return err
	}
	if form.query != "" {
		return errors.New("no options are taken here: give them as settings of their own")
	}
	if form.kind == formNative {
		form.kind = formHost
	}
	if !s.has("provider") {
		s.drive.Provider = form.provider()
		s.given["provider"] = location
	}
	return s.place(form)
}

// warn notes something to tell the user.
func (s *settings) warn(key, text string) {
	s.drive.warnings = append(s.drive.warnings, Warning{Key: keyName(key), Text: text})
}

// place sets what a drive's text says by its form rather than by options.
func (s *settings) place(form driveText) error {
	if form.kind == formPath {
		if form.path == "" && s.has("path") {
			return nil
		}
		return s.part("path", form.path)
	}
	bucket, prefix := form.host, strings.TrimPrefix(form.path, "/")
	if form.kind == formHost {
		endpoint := form.host
		if form.scheme != "" {
			endpoint = form.scheme + "://" + form.host
		}
		if err := s.part("endpoint", endpoint); err != nil {
			return err
		}
		bucket = ""
		if !s.has("bucket") {
			bucket, prefix, _ = strings.Cut(prefix, "/")
		}
	}
	if bucket != "" {
		if err := s.part("bucket", bucket); err != nil {
			return err
		}
	}
	if strings.Trim(prefix, "/") == "" {
		return nil
	}
	return s.part("prefix", prefix)
}

// part sets a setting from a part of a URL that has no name there.
func (s *settings) part(key, value string) error {
	if err := s.set(key, value); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}
