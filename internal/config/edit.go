package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
)

// ErrByHand says that a file is written in a way that Edit does not change.
var ErrByHand = errors.New("the file is written in a way that must be changed by hand")

// Edit changes drives in a configuration file and leaves all else in it as it
// is, comments and order above all: lines are put in, taken out and replaced at
// the places the parser tells. After every change it compares what the file
// says with what it ought to say, and takes back a change that did more.
// A value with ${NAME} in it is in the file's notation, where that is a variable
// and $$ a dollar sign; in any other a dollar sign is itself.
type Edit struct {
	path string
	was  []byte // as read; nil if there was no file
	text []byte
}

// OpenEdit reads a file to edit. One that does not exist is begun.
func OpenEdit(path string) (*Edit, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	e := &Edit{path: path, was: text, text: bytes.Clone(text)}
	if _, err := e.sketch(); err != nil {
		return nil, err
	}
	return e, nil
}

// Text is the file as it would be saved.
func (e *Edit) Text() string { return string(e.text) }

// Path is the file's path.
func (e *Edit) Path() string { return e.path }

// Load reads what the file would say if it were saved.
func (e *Edit) Load() (*Config, error) { return load(e.path, e.text, environment) }

// AddDrive puts a drive behind the others. Its secrets go into the file, those
// that are written as ${NAME} as such. The label must be new.
func (e *Edit) AddDrive(d Drive) error {
	s, err := e.sketch()
	if err != nil {
		return err
	}
	if LabelName(d.Label) == "" {
		return errors.New("add drive: it has no label")
	}
	if _, ok := s.find(d.Label); ok {
		return fmt.Errorf("add drive: label %q is taken", d.Label)
	}
	want := s.values.clone()
	settings := d.options()
	for _, o := range settings {
		want[drivePath(len(s.drives), o.Key)] = o.Value
	}
	delete(want, "drives")
	return e.change(s.add(settings), want)
}

// RemoveDrive takes a drive out of the file and returns its label.
func (e *Edit) RemoveDrive(label string) (string, error) {
	s, i, err := e.drive(label)
	if err != nil {
		return "", err
	}
	return s.drives[i].label, e.change(s.remove(i), s.values.without(i, len(s.drives)))
}

// drive finds a drive to change.
func (e *Edit) drive(label string) (*sketch, int, error) {
	s, err := e.sketch()
	if err != nil {
		return nil, 0, err
	}
	i, ok := s.find(label)
	if !ok {
		return nil, 0, notConfigured(label, s.labels())
	}
	return s, i, nil
}

// splice is a change of a text: length bytes at offset become with.
type splice struct {
	offset, length int
	with           string
	err            error
}

// change applies a change and takes it back unless the file then says what is
// wanted and has no mistake it did not have.
func (e *Edit) change(s splice, want flat) error {
	before := e.text
	err := e.apply(s, want)
	if err == nil {
		err = newMistake(e.path, before, e.text)
	}
	if err != nil {
		e.text = before
		return fmt.Errorf("edit %s: %w", e.path, err)
	}
	return nil
}

// apply makes a change, after which the file must say what is wanted.
func (e *Edit) apply(s splice, want flat) error {
	if s.err != nil {
		return s.err
	}
	before := e.text
	e.text = slices.Concat(before[:s.offset], []byte(s.with), before[s.offset+s.length:])
	now, err := e.sketch()
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(now.values, want) {
		return ErrByHand
	}
	return nil
}

// newMistake returns a mistake that a file has after a change and had not
// before.
func newMistake(path string, before, after []byte) error {
	had := map[string]bool{}
	for _, mistake := range mistakes(path, before) {
		had[mistake.Problem] = true
	}
	for _, mistake := range mistakes(path, after) {
		if !had[mistake.Problem] {
			return mistake
		}
	}
	return nil
}

// mistakes returns what is wrong with a file, but for what variables are to
// blame for that are not set here: they may be set where the file is used, and
// stand for their names meanwhile.
func mistakes(path string, text []byte) []*Error {
	unset := map[string]bool{}
	d := &decoder{file: path, origins: map[string]origin{}, look: func(name string) (string, bool) {
		value, ok := os.LookupEnv(name)
		if !ok {
			unset[name], value = true, name
		}
		return value, true
	}}
	d.config(text)
	var list []*Error
	for _, err := range d.errs {
		var one *Error
		if !errors.As(err, &one) {
			continue
		}
		if !slices.ContainsFunc(d.origins[one.Key].variables, func(name string) bool { return unset[name] }) {
			list = append(list, one)
		}
	}
	return list
}

// options are the settings of a drive as the file writes them, secrets too.
func (d *Drive) options() []Option {
	var list []Option
	value := reflect.ValueOf(d).Elem()
	for _, f := range fieldsOf(driveType) {
		text := f.text(value.Field(f.index))
		if secret, ok := value.Field(f.index).Interface().(Secret); ok {
			text = secret.Reveal()
		}
		if written := d.written[f.key]; written != "" {
			text = written
		}
		if text == "" {
			continue
		}
		list = append(list, Option{f.key, fileText(text)})
	}
	return list
}

func drivePath(i int, key string) string { return fmt.Sprintf("drives[%d].%s", i, key) }
