package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
)

// group is a struct of the configuration: a set of settings.
type group struct {
	name     string
	doc      string
	settings []setting
}

// setting is a field of such a struct.
type setting struct {
	key, doc string
	kind     string // its Go type
	tag      reflect.StructTag
}

// groupNames are the structs the file is made of, in the order of the reference.
var groupNames = []string{"Config", "Drive", "ClassRule", "Backup", "Retention"}

// readGroups reads the structs and their comments from the package's source.
func readGroups(dir string) ([]group, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	found := map[string]group{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, declaration := range file.Decls {
			if types, ok := declaration.(*ast.GenDecl); ok && types.Tok == token.TYPE {
				readTypes(types, found)
			}
		}
	}
	var groups []group
	for _, name := range groupNames {
		g, ok := found[name]
		if !ok {
			return nil, fmt.Errorf("there is no struct %s", name)
		}
		for _, s := range g.settings {
			if s.doc == "" {
				return nil, fmt.Errorf("%s.%s has no comment", name, s.key)
			}
		}
		groups = append(groups, g)
	}
	return groups, nil
}

func readTypes(types *ast.GenDecl, found map[string]group) {
	for _, spec := range types.Specs {
		named := spec.(*ast.TypeSpec)
		body, ok := named.Type.(*ast.StructType)
		if !ok {
			continue
		}
		g := group{name: named.Name.Name, doc: text(types.Doc)}
		for _, f := range body.Fields.List {
			if f.Tag == nil {
				continue
			}
			tag := reflect.StructTag(strings.Trim(f.Tag.Value, "`"))
			if key := tag.Get("yaml"); key != "" {
				g.settings = append(g.settings, setting{key, withoutName(f.Names[0].Name, text(f.Doc)), kindOf(f.Type), tag})
			}
		}
		found[g.name] = g
	}
}

// kindOf writes a type as the source does.
func kindOf(e ast.Expr) string {
	switch t := e.(type) {
	case *ast.Ident:
		return t.Name
	case *ast.StarExpr:
		return "*" + kindOf(t.X)
	case *ast.ArrayType:
		return "[]" + kindOf(t.Elt)
	}
	return fmt.Sprintf("%T", e)
}

// text is a comment on one line.
func text(doc *ast.CommentGroup) string {
	return strings.Join(strings.Fields(doc.Text()), " ")
}

// withoutName turns "Bucket is the bucket's name." into "The bucket's name.".
func withoutName(name, doc string) string {
	rest, ok := strings.CutPrefix(doc, name+" ")
	if !ok {
		return doc
	}
	for _, verb := range []string{"is ", "are "} {
		if after, ok := strings.CutPrefix(rest, verb); ok {
			rest = after
			break
		}
	}
	return strings.ToUpper(rest[:1]) + rest[1:]
}
