package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Error is one mistake in a configuration file.
type Error struct {
	File         string // its path
	Line, Column int    // from 1; 0 if the mistake has no place
	Key          string // the setting, as drives[0].bucket; "" for the file
	Problem      string
}

// Error shows the mistake in the form FILE:LINE:COLUMN: KEY: PROBLEM.
func (e *Error) Error() string {
	text := e.File
	if e.Line > 0 {
		text += fmt.Sprintf(":%d:%d", e.Line, e.Column)
	}
	if e.Key != "" {
		text += ": " + e.Key
	}
	return text + ": " + e.Problem
}

const (
	mostBytes  = 256 << 10 // of a configuration file
	mostDepth  = 1000      // brackets in each other; the parser's time grows with their square
	mostNodes  = 1 << 18   // visited, aliases followed each time
	mostValue  = 64 << 10  // bytes of one value
	mostErrors = 20        // reported at once
	mostMerged = 32        // mappings merged into each other
)

// origin is where a value of the file stands and what it was made of.
type origin struct {
	line, column int
	variables    []string // names of the environment variables in it
}

// decoder turns the nodes of one file into structs. It collects mistakes
// rather than stop at the first.
type decoder struct {
	file    string
	look    lookup
	errs    []error
	anchors map[string]ast.Node
	origins map[string]origin // by path of the value
	nodes   int               // visited
	merging int               // mappings being merged into each other
}

// Decode reads a YAML text into the struct that target points to as strictly as
// a configuration file: what is unknown or does not fit is an Error with its
// place. There are no environment references in it. name stands for the file.
func Decode(name string, text []byte, target any) error {
	d := &decoder{file: name, look: func(string) (string, bool) { return "", false }, origins: map[string]origin{}}
	return d.decode(text, target)
}

// decode reads a file into the struct that target points to. What it returns
// it has also noted among its mistakes.
func (d *decoder) decode(text []byte, target any) error {
	root, err := d.parse(text)
	if err != nil {
		d.errs = append(d.errs, err)
		return err
	}
	if root != nil {
		d.value(root, reflect.ValueOf(target).Elem(), "")
	}
	return errors.Join(d.errs...)
}

// parse returns the root of the one document in a text, nil if it is empty.
func (d *decoder) parse(text []byte) (ast.Node, error) {
	if len(text) > mostBytes {
		return nil, &Error{File: d.file, Problem: fmt.Sprintf("larger than %d bytes", mostBytes)}
	}
	if depth(text) > mostDepth {
		return nil, &Error{File: d.file, Problem: "brackets are nested too deep"}
	}
	file, err := parseYAML(text)
	if err != nil {
		return nil, d.syntaxError(err)
	}
	var root ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if root != nil {
			return nil, d.errorAt(doc.Body, "", "a second document begins: one file has one")
		}
		root = doc.Body
	}
	d.anchors = map[string]ast.Node{}
	if root != nil {
		ast.Walk(anchorFinder(d.anchors), root)
	}
	return root, nil
}

// parseYAML parses a text. Versions of the library have panicked on broken
// texts; should this one, that is an error as any other.
func parseYAML(text []byte) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			file, err = nil, errors.New("is not YAML")
		}
	}()
	return parser.ParseBytes(text, parser.ParseComments)
}

// depth is how many more brackets are opened than closed anywhere in a text.
func depth(text []byte) int {
	open, most := 0, 0
	for _, b := range text {
		switch b {
		case '[', '{':
			open++
			most = max(most, open)
		case ']', '}':
			open = max(open-1, 0)
		}
	}
	return most
}

// syntaxError makes an Error of the parser's, without the lines it quotes,
// which may hold secrets.
func (d *decoder) syntaxError(err error) error {
	e := &Error{File: d.file, Problem: "is not YAML"}
	var described yaml.Error
	if !errors.As(err, &described) {
		return e
	}
	e.Problem = strings.ReplaceAll(described.GetMessage(), "mapping key", "key")
	if t := described.GetToken(); t != nil && t.Position != nil {
		e.Line, e.Column = t.Position.Line, t.Position.Column
	}
	return e
}

// anchorFinder collects what &NAME stands before.
type anchorFinder map[string]ast.Node

// Visit takes note of a node.
func (f anchorFinder) Visit(node ast.Node) ast.Visitor {
	if anchor, ok := node.(*ast.AnchorNode); ok && anchor.Name != nil && anchor.Name.GetToken() != nil {
		f[anchor.Name.GetToken().Value] = anchor.Value
	}
	return f
}

func (d *decoder) errorAt(node ast.Node, key, problem string) *Error {
	line, column := place(node)
	return &Error{d.file, line, column, key, problem}
}

func (d *decoder) fail(node ast.Node, key, problem string) {
	if len(d.errs) < mostErrors {
		d.errs = append(d.errs, d.errorAt(node, key, problem))
	}
}

// place is where a node begins.
func place(node ast.Node) (line, column int) {
	if mapping, ok := node.(*ast.MappingNode); ok && len(mapping.Values) > 0 && !mapping.IsFlowStyle {
		node = mapping.Values[0].Key
	}
	if pair, ok := node.(*ast.MappingValueNode); ok {
		node = pair.Key
	}
	if t := node.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line, t.Position.Column
	}
	return 0, 0
}

// follow returns what a node stands for: tags and anchors are taken off, and
// aliases followed. It returns nil after a mistake.
func (d *decoder) follow(node ast.Node, path string) ast.Node {
	for {
		if d.nodes++; d.nodes > mostNodes {
			if d.nodes == mostNodes+1 {
				d.fail(node, path, "there is too much in the file, or aliases go in circles")
			}
			return nil
		}
		switch n := node.(type) {
		case *ast.AnchorNode:
			node = n.Value
		case *ast.TagNode:
			node = n.Value
		case *ast.AliasNode:
			name := ""
			if n.Value != nil && n.Value.GetToken() != nil {
				name = n.Value.GetToken().Value
			}
			target, ok := d.anchors[name]
			if !ok {
				d.fail(n, path, fmt.Sprintf("*%s stands for nothing: there is no &%s before it", name, name))
				return nil
			}
			node = target
		case nil:
			return nil
		default:
			return node
		}
	}
}

// environment is the process's.
func environment(name string) (string, bool) { return os.LookupEnv(name) }
