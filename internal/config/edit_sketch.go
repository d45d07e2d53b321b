package config

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// flat is a file as paths and the texts of their values, variables not
// expanded.
type flat map[string]string

func (f flat) clone() flat {
	c := make(flat, len(f)+1)
	for path, text := range f {
		c[path] = text
	}
	return c
}

// without returns what the file says without drive i of count.
func (f flat) without(i, count int) flat {
	c := flat{}
	for path, text := range f {
		var at int
		var key string
		if n, _ := fmt.Sscanf(path, "drives[%d].%s", &at, &key); n == 2 {
			if at == i {
				continue
			}
			if at > i {
				path = drivePath(at-1, path[strings.Index(path, "].")+2:])
			}
		}
		c[path] = text
	}
	if count == 1 {
		c["drives"] = "[]"
	}
	return c
}

// sketch is a file as far as editing needs it: where its drives stand.
type sketch struct {
	text   []byte
	lines  []int                 // offset of each line's first byte
	list   *ast.MappingValueNode // drives: …; nil if there is none
	drives []driveSketch
	values flat
}

// driveSketch is where one drive stands.
type driveSketch struct {
	label    string
	node     ast.Node
	first    int  // line of the dash, from 0
	end      int  // line behind the drive's last
	column   int  // of the keys, from 0
	flow     bool // written in { }
	settings []settingSketch
}

// settingSketch is where one setting stands.
type settingSketch struct {
	name string
	pair *ast.MappingValueNode
}

// setting finds a setting by its name, also where the file has an alias.
func (d *driveSketch) setting(key string) (settingSketch, bool) {
	for _, s := range d.settings {
		if s.name == key || aliases[s.name].of == key {
			return s, true
		}
	}
	return settingSketch{}, false
}

// find finds a drive by label.
func (s *sketch) find(label string) (int, bool) {
	for i, d := range s.drives {
		if LabelName(d.label) == LabelName(strings.TrimPrefix(label, "@")) {
			return i, true
		}
	}
	return 0, false
}

// sketch parses the text.
func (e *Edit) sketch() (*sketch, error) {
	d := &decoder{file: e.path, look: environment}
	root, err := d.parse(e.text)
	if err != nil {
		return nil, err
	}
	s := &sketch{text: e.text, lines: []int{0}, values: flat{}}
	for i, b := range e.text {
		if b == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	if root == nil {
		return s, nil
	}
	values, ok := mappingValues(root)
	if !ok {
		return nil, d.errorAt(root, "", "must be settings, each as KEY: VALUE, and is "+kindName(root))
	}
	flatten(root, "", s.values)
	for _, v := range values {
		if keyText(v.Key) == "drives" {
			s.list = v
			s.readDrives(v.Value)
		}
	}
	return s, nil
}

// readDrives takes note of the drives of a list.
func (s *sketch) readDrives(node ast.Node) {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		return
	}
	for i, item := range sequence.Values {
		d := driveSketch{node: item, flow: true}
		if mapping, ok := item.(*ast.MappingNode); ok {
			d.flow = mapping.IsFlowStyle
		} else if _, ok := item.(*ast.MappingValueNode); ok {
			d.flow = false
		}
		if !sequence.IsFlowStyle && i < len(sequence.Entries) {
			dash := sequence.Entries[i].Start.Position
			d.first = dash.Line - 1
			d.end = s.blockEnd(d.first, dash.Column-1)
		}
		values, _ := mappingValues(item)
		for _, v := range values {
			name := keyText(v.Key)
			d.settings = append(d.settings, settingSketch{name, v})
			if name == "label" {
				d.label = plainText(v.Value)
				if expanded, _, err := expand(d.label, environment); err == nil {
					d.label = expanded
				}
			}
		}
		if len(values) > 0 {
			_, column := place(values[0])
			d.column = column - 1
		}
		s.drives = append(s.drives, d)
	}
}

// blockEnd returns the line behind the block that begins at a line with a dash
// or key at a column: what is indented more belongs to it, comments and empty
// lines before something else do not.
func (s *sketch) blockEnd(first, column int) int {
	end := first + 1
	for line := first + 1; line < len(s.lines); line++ {
		text := s.line(line)
		content := strings.TrimLeft(text, " ")
		indent := len(text) - len(content)
		switch {
		case content == "" || strings.HasPrefix(content, "#") && indent <= column:
		case indent <= column:
			return end
		default:
			end = line + 1
		}
	}
	return end
}

// line returns a line without its end.
func (s *sketch) line(i int) string {
	end := len(s.text)
	if i+1 < len(s.lines) {
		end = s.lines[i+1]
	}
	return strings.TrimRight(string(s.text[s.lines[i]:end]), "\r\n")
}

// start returns the offset of a line's first byte; of the line behind the
// last, the text's length.
func (s *sketch) start(line int) int {
	if line < len(s.lines) {
		return s.lines[line]
	}
	return len(s.text)
}

// flatten writes down what a node says.
func flatten(node ast.Node, path string, into flat) {
	if values, ok := mappingValues(node); ok {
		for _, v := range values {
			flatten(v.Value, join(path, keyText(v.Key)), into)
		}
		return
	}
	if sequence, ok := node.(*ast.SequenceNode); ok {
		for i, item := range sequence.Values {
			flatten(item, fmt.Sprintf("%s[%d]", path, i), into)
		}
		if len(sequence.Values) == 0 {
			into[path] = "[]"
		}
		return
	}
	into[path] = plainText(node)
}

// plainText is the text of a single value, variables not expanded.
func plainText(node ast.Node) string {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value
	case *ast.NullNode, nil:
		return ""
	}
	return node.String()
}
