package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

func (d *Drive) checkLabel(p *problems) {
	switch {
	case len(d.Label) > 200:
		p.add("label", "longer than 200 bytes")
	case strings.ContainsFunc(d.Label, unicode.IsControl):
		p.add("label", "holds a control character")
	case strings.HasPrefix(d.Label, "@"):
		p.add("label", "begins with @, which stands before labels on the command line only")
	case LabelName(d.Label) == "":
		p.add("label", "empty")
	}
}

// LabelName is a label as it is looked up: in lower case, with one - for
// blanks. Two labels with the same name are the same.
func LabelName(label string) string {
	words := strings.FieldsFunc(strings.ToLower(label), func(r rune) bool { return r == '-' || unicode.IsSpace(r) })
	return strings.Join(words, "-")
}

// FreeLabel is a label for a drive: the name of its bucket or folder, with a
// number if one of those given is the same.
func (d *Drive) FreeLabel(taken []string) string {
	base := d.Bucket
	if d.Provider == Local {
		base = filepath.Base(d.Path)
	}
	if LabelName(base) == "" || base == string(filepath.Separator) {
		base = "drive"
	}
	label := base
	for n := 2; slices.ContainsFunc(taken, func(t string) bool { return LabelName(t) == LabelName(label) }); n++ {
		label = fmt.Sprintf("%s %d", base, n)
	}
	return label
}

// Labels are the labels of the drives configured; none in a nil configuration.
func (c *Config) Labels() []string {
	if c == nil {
		return nil
	}
	labels := make([]string, len(c.Drives))
	for i := range c.Drives {
		labels[i] = c.Drives[i].Label
	}
	return labels
}

// Labels are the labels of the drives in the file.
func (e *Edit) Labels() ([]string, error) {
	s, err := e.sketch()
	if err != nil {
		return nil, err
	}
	return s.labels(), nil
}

func (s *sketch) labels() []string {
	labels := make([]string, len(s.drives))
	for i := range s.drives {
		labels[i] = s.drives[i].label
	}
	return labels
}
