package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// field is one setting of a struct that the configuration file knows.
type field struct {
	key      string
	index    int
	kind     reflect.Type
	choices  []string // the values allowed; nil: any
	min, max int      // of numbers; both 0: any
	only     string   // the provider it is for, "" if for all
}

var fieldCache sync.Map // reflect.Type → []field

// fieldsOf lists the settings of a struct in the order of its fields.
func fieldsOf(t reflect.Type) []field {
	if known, ok := fieldCache.Load(t); ok {
		return known.([]field)
	}
	var list []field
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		key := tag.Get("yaml")
		if key == "" {
			continue
		}
		f := field{key: key, index: i, kind: t.Field(i).Type, only: tag.Get("for")}
		if choices := tag.Get("enum"); choices != "" {
			f.choices = strings.Split(choices, ",")
		}
		// The tags are constants of this package; a test reads them all.
		f.min, _ = strconv.Atoi(tag.Get("min"))
		f.max, _ = strconv.Atoi(tag.Get("max"))
		list = append(list, f)
	}
	fieldCache.Store(t, list)
	return list
}

// fieldOf finds the setting of a struct by key.
func fieldOf(t reflect.Type, key string) (field, bool) {
	list := fieldsOf(t)
	i := slices.IndexFunc(list, func(f field) bool { return f.key == key })
	if i < 0 {
		return field{}, false
	}
	return list[i], true
}

var (
	configType      = reflect.TypeFor[Config]()
	driveType       = reflect.TypeFor[Drive]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// assign sets a setting from its text. Errors do not repeat secrets.
func (f *field) assign(target reflect.Value, text string) error {
	if f.choices != nil && text != "" && !slices.Contains(f.choices, text) {
		return fmt.Errorf("%q is not one of %s", text, strings.Join(f.choices, ", "))
	}
	if target.Kind() == reflect.Pointer {
		value := reflect.New(target.Type().Elem())
		if err := f.assign(value.Elem(), text); err != nil {
			return err
		}
		target.Set(value)
		return nil
	}
	if target.Addr().Type().Implements(textUnmarshaler) {
		return target.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	}
	switch target.Kind() {
	case reflect.String:
		target.SetString(text)
	case reflect.Bool:
		value, err := parseBool(text)
		if err != nil {
			return err
		}
		target.SetBool(value)
	case reflect.Int:
		value, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is no whole number", text)
		}
		if (f.min != 0 || f.max != 0) && (value < f.min || value > f.max) {
			return fmt.Errorf("%d is not between %d and %d", value, f.min, f.max)
		}
		target.SetInt(int64(value))
	default:
		return errors.New("takes more than one value")
	}
	return nil
}

// text writes a setting as assign reads it, "" if it was not given.
func (f *field) text(value reflect.Value) string {
	if value.IsZero() {
		return ""
	}
	if value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	return fmt.Sprint(value.Interface())
}
