package config

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// value decodes one node into target, which path names.
func (d *decoder) value(node ast.Node, target reflect.Value, path string) {
	at := node
	if node = d.follow(node, path); node == nil {
		return
	}
	switch {
	case target.Type() == driveType:
		d.drive(node, target.Addr().Interface().(*Drive), path)
	case isRecord(target.Type()):
		d.record(node, target, path)
	case target.Kind() == reflect.Slice:
		d.list(node, target, path)
	default:
		text, ok := d.scalar(node, target.Type(), path)
		if !ok {
			return
		}
		f := field{}
		if err := f.assign(target, text); err != nil {
			d.fail(at, path, err.Error())
		}
	}
}

// isRecord reports whether a type is a struct with settings of its own.
func isRecord(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(textUnmarshaler)
}

// pair is one key of a mapping and its value.
type pair struct {
	key   string
	at    ast.Node // the key
	value ast.Node
}

// pairs returns the keys of a mapping in order, merged ones (<<) last and only
// if the mapping does not have them itself.
func (d *decoder) pairs(node ast.Node, path string) ([]pair, bool) {
	values, ok := mappingValues(node)
	if !ok {
		d.fail(node, path, "must be settings, each as KEY: VALUE, and is "+kindName(node))
		return nil, false
	}
	var own, merged []pair
	for _, v := range values {
		if v.Key.IsMergeKey() {
			merged = append(merged, d.merged(v.Value, path)...)
			continue
		}
		if t := v.Key.GetToken(); t != nil {
			own = append(own, pair{keyText(v.Key), v.Key, v.Value})
		}
	}
	for _, p := range merged {
		if !slices.ContainsFunc(own, func(o pair) bool { return o.key == p.key }) {
			own = append(own, p)
		}
	}
	return own, true
}

// keyText is the text of a key.
func keyText(key ast.MapKeyNode) string {
	if text, ok := key.(*ast.StringNode); ok {
		return text.Value
	}
	return key.String()
}

// merged returns the keys that << brings in: of a mapping or several.
func (d *decoder) merged(node ast.Node, path string) []pair {
	at := node
	if node = d.follow(node, path); node == nil {
		return nil
	}
	if d.merging++; d.merging > mostMerged {
		d.merging--
		d.fail(at, path, "<< goes too deep, or in circles")
		return nil
	}
	defer func() { d.merging-- }()
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		list, _ := d.pairs(node, path)
		return list
	}
	var all []pair
	for _, item := range sequence.Values {
		if item = d.follow(item, path); item != nil {
			list, _ := d.pairs(item, path)
			all = append(all, list...)
		}
	}
	return all
}

func mappingValues(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// record decodes a mapping into a struct.
func (d *decoder) record(node ast.Node, target reflect.Value, path string) {
	pairs, ok := d.pairs(node, path)
	if !ok {
		return
	}
	for _, p := range pairs {
		f, ok := fieldOf(target.Type(), p.key)
		where := join(path, p.key)
		if !ok {
			d.unknown(p, target.Type(), where)
			continue
		}
		if _, null := d.follow(p.value, where).(*ast.NullNode); null {
			continue
		}
		d.setting(p, &f, target.Field(f.index), where)
	}
}

// setting decodes one value of a struct.
func (d *decoder) setting(p pair, f *field, target reflect.Value, path string) {
	if f.choices == nil && f.min == f.max || isRecord(target.Type()) {
		d.value(p.value, target, path)
		return
	}
	node := d.follow(p.value, path)
	if node == nil {
		return
	}
	if text, ok := d.scalar(node, target.Type(), path); ok {
		if err := f.assign(target, text); err != nil {
			d.fail(p.value, path, err.Error())
		}
	}
}

// notYet are keys other versions or programs know, with what to say of them.
var notYet = map[string]string{
	"data_sources": "is not supported by this version yet: back up the output of the database's own dump program with firn backup --from-command",
}

func (d *decoder) unknown(p pair, t reflect.Type, path string) {
	if text := notYet[path]; text != "" {
		d.fail(p.at, path, text)
		return
	}
	var keys []string
	for _, f := range fieldsOf(t) {
		keys = append(keys, f.key)
	}
	text := "there is no such setting"
	if near := nearest(p.key, keys); near != "" {
		text += "; did you mean " + near + "?"
	} else if path == p.key && t == configType {
		if _, ok := fieldOf(driveType, p.key); ok {
			text += " here; it belongs to a drive, under drives"
		}
	}
	d.fail(p.at, path, text)
}

// list decodes a sequence into a slice. A single value stands for a list of one.
func (d *decoder) list(node ast.Node, target reflect.Value, path string) {
	item := target.Type().Elem()
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		if isRecord(item) || item.Kind() == reflect.Slice {
			d.fail(node, path, "must be a list, each item after a dash, and is "+kindName(node))
			return
		}
		one := reflect.New(item).Elem()
		d.value(node, one, path)
		target.Set(reflect.Append(target, one))
		return
	}
	for i, node := range sequence.Values {
		one := reflect.New(item).Elem()
		d.value(node, one, fmt.Sprintf("%s[%d]", path, i))
		target.Set(reflect.Append(target, one))
		if d.nodes > mostNodes {
			return
		}
	}
}

// join names a setting of what path names.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
