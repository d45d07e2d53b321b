package config

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
)

// Alter gives settings of a drive other values and takes out those whose value
// is empty, all of them or none: only the outcome must be right. It returns the
// label that the drive then has.
func (e *Edit) Alter(label string, changes ...Option) (string, error) {
	_, i, err := e.drive(label)
	if err != nil {
		return "", err
	}
	before := e.text
	for _, o := range changes {
		if err = e.alter(i, o); err != nil {
			break
		}
	}
	if err == nil {
		err = newMistake(e.path, before, e.text)
	}
	if err != nil {
		e.text = before
		return "", fmt.Errorf("edit %s: %w", e.path, err)
	}
	now, err := e.sketch()
	if err != nil {
		return "", err
	}
	return now.drives[i].label, nil
}

// alter changes one setting of drive i.
func (e *Edit) alter(i int, o Option) error {
	s, err := e.sketch()
	if err != nil {
		return err
	}
	if o, err = settingOf(o); err != nil {
		return err
	}
	at, there := s.drives[i].setting(o.Key)
	want := s.values.clone()
	switch {
	case !there && o.Value == "":
		return nil
	case o.Value == "":
		delete(want, drivePath(i, at.name))
		return e.apply(s.cut(i, at), want)
	case !there:
		want[drivePath(i, o.Key)] = o.Value
		return e.apply(s.insert(i, o), want)
	case aliases[at.name].opposite:
		return fmt.Errorf("%s stands there as %s, which means the opposite: %w", o.Key, at.name, ErrByHand)
	}
	want[drivePath(i, at.name)] = o.Value
	return e.apply(s.replace(at.pair, o.Value, s.drives[i].flow), want)
}

// settingOf brings an option into the file's names and notation.
func settingOf(o Option) (Option, error) {
	key := keyName(o.Key)
	a, other := aliases[key]
	switch {
	case other && a.useless != "":
		return o, fmt.Errorf("%w: %s has no effect: %s", ErrDrive, o.Key, a.useless)
	case other && a.of == location:
		return o, fmt.Errorf("%w: %s: give endpoint, bucket and prefix, or path", ErrDrive, o.Key)
	case other:
		key = a.of
	}
	f, ok := fieldOf(driveType, key)
	if !ok {
		return o, fmt.Errorf("%w: %s: %w", ErrDrive, o.Key, unknownKey(o.Key))
	}
	text := fileText(o.Value)
	if truth, err := parseBool(o.Value); err == nil && f.truth() {
		text = strconv.FormatBool(truth != a.opposite)
	} else if a.opposite && o.Value != "" {
		return o, fmt.Errorf("%w: %s means the opposite of %s, which takes true or false", ErrDrive, o.Key, key)
	}
	return Option{key, text}, nil
}

// truth reports whether a setting is true or false.
func (f *field) truth() bool {
	return f.kind.Kind() == reflect.Bool || f.kind == reflect.TypeFor[*bool]()
}

// ErrNoSetting says that a drive does not have a setting.
var ErrNoSetting = errors.New("the drive does not have that setting")

// Unset takes settings out of a drive and returns its label. One that is not
// there is ErrNoSetting.
func (e *Edit) Unset(label string, keys ...string) (string, error) {
	s, i, err := e.drive(label)
	if err != nil {
		return "", err
	}
	var changes []Option
	for _, key := range keys {
		o, err := settingOf(Option{Key: key})
		if err != nil {
			return "", err
		}
		if _, there := s.drives[i].setting(o.Key); !there {
			return "", fmt.Errorf("%w: %s", ErrNoSetting, o.Key)
		}
		changes = append(changes, o)
	}
	return e.Alter(label, changes...)
}
