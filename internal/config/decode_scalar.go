package config

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// scalar returns the text of a single value with its variables expanded.
func (d *decoder) scalar(node ast.Node, want reflect.Type, path string) (string, bool) {
	text, expands := "", false
	switch n := node.(type) {
	case *ast.StringNode:
		text, expands = n.Value, true
	case *ast.LiteralNode:
		text, expands = n.Value.Value, true
	case *ast.BoolNode:
		if want.Kind() == reflect.String {
			d.fail(node, path, "must be a text and is true or false: put it in quotes")
			return "", false
		}
		text = n.GetToken().Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		text = n.GetToken().Value
	case *ast.NullNode:
	default:
		d.fail(node, path, "must be a single value and is "+kindName(node))
		return "", false
	}
	line, column := place(node)
	at := origin{line: line, column: column}
	if len(text) > mostValue {
		d.fail(node, path, fmt.Sprintf("longer than %d bytes", mostValue))
		return "", false
	}
	if expands {
		expanded, variables, err := expand(text, d.look)
		if err != nil {
			d.fail(node, path, err.Error())
			return "", false
		}
		text, at.variables = expanded, variables
	}
	d.origins[path] = at
	return text, true
}

// kindName says what a node is, for somebody who wrote something else.
func kindName(node ast.Node) string {
	switch node.Type() {
	case ast.MappingType, ast.MappingValueType:
		return "a group of settings"
	case ast.SequenceType:
		return "a list"
	case ast.NullType:
		return "empty"
	}
	return "a single value"
}

// drive decodes one drive. Its keys may be aliases.
func (d *decoder) drive(node ast.Node, target *Drive, path string) {
	pairs, ok := d.pairs(node, path)
	if !ok {
		return
	}
	// What a location says fits in around what is said besides it.
	slices.SortStableFunc(pairs, func(a, b pair) int { return boolOrder(a.key == location) - boolOrder(b.key == location) })
	s := newSettings()
	places := map[string]ast.Node{}
	mistakes := len(d.errs)
	for _, p := range pairs {
		where := join(path, p.key)
		if keyName(p.key) != p.key {
			d.fail(p.at, where, "there is no such setting; did you mean "+keyName(p.key)+"?")
			continue
		}
		setting := p.key
		if a, ok := aliases[p.key]; ok {
			setting = a.of
		}
		places[setting] = p.value
		d.driveSetting(s, p, where)
	}
	*target = *s.drive
	if len(d.errs) > mistakes {
		return // what follows from them need not be said
	}
	for _, p := range target.complete() {
		at, ok := places[p.key]
		if !ok {
			at = node
		}
		d.fail(at, join(path, p.key), p.text)
	}
	if target.Label == "" && len(d.errs) == mistakes {
		d.fail(node, join(path, "label"), "missing: give the drive a name")
	}
}

// driveSetting sets one setting of a drive from its node.
func (d *decoder) driveSetting(s *settings, p pair, path string) {
	node := d.follow(p.value, path)
	if node == nil {
		return
	}
	f, known := fieldOf(driveType, p.key)
	want := reflect.TypeFor[string]()
	if known {
		want = f.kind
	} else if a, ok := aliases[p.key]; ok {
		if of, ok := fieldOf(driveType, a.of); ok {
			want = of.kind
		}
	} else {
		d.fail(p.at, path, unknownKey(p.key).Error())
		return
	}
	text, ok := "", false
	_, list := node.(*ast.SequenceNode)
	switch {
	case list && want == reflect.TypeFor[Command]():
		text, ok = d.words(node, path)
	case list && want == reflect.TypeFor[ClassRules]():
		text, ok = d.classes(node, path)
	default:
		text, ok = d.scalar(node, want, path)
	}
	if _, null := node.(*ast.NullNode); !ok || null && p.key != "region" {
		return
	}
	if err := s.set(p.key, text); err != nil {
		d.fail(p.value, path, err.Error())
	}
}

// words decodes a list of words into the text of a command.
func (d *decoder) words(node ast.Node, path string) (string, bool) {
	var words []string
	mistakes := len(d.errs)
	d.list(node, reflect.ValueOf(&words).Elem(), path)
	return Command(words).String(), len(d.errs) == mistakes
}

// classes decodes a list of storage classes by prefix into their text.
func (d *decoder) classes(node ast.Node, path string) (string, bool) {
	var rules []ClassRule
	mistakes := len(d.errs)
	d.list(node, reflect.ValueOf(&rules).Elem(), path)
	for i, rule := range rules {
		if err := rule.check(); err != nil {
			d.fail(node, fmt.Sprintf("%s[%d]", path, i), err.Error())
		}
	}
	return ClassRules(rules).String(), len(d.errs) == mistakes
}

func boolOrder(b bool) int {
	if b {
		return 1
	}
	return 0
}
