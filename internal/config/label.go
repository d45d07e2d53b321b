package config

import (
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
