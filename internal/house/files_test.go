package house

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// How long source may get.
const (
	maxLines        = 400 // of a file; more needs a reason in ARCHITECTURE.md
	maxFunctionSize = 69  // lines from func to the closing brace
)

// file is a parsed source file.
type file struct {
	name  string // relative to the module's folder
	text  []byte
	tree  *ast.File
	files *token.FileSet
}

func (f file) test() bool { return strings.HasSuffix(f.name, "_test.go") }

// parse reads a folder's Go files, whatever system they are for.
func parse(t *testing.T, folder string) []file {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all []file
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		name, err = filepath.Rel(root(t), name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, file{filepath.ToSlash(name), text, tree, set})
	}
	return all
}

func TestLengths(t *testing.T) {
	reasons := readDocument(t).reasons
	for _, l := range list(t) {
		for _, f := range parse(t, l.Dir) {
			lines := bytes.Count(f.text, []byte("\n"))
			_, excused := reasons[f.name]
			switch {
			case lines > maxLines && !excused:
				t.Errorf("%s: %d lines, more than %d, and ARCHITECTURE.md gives no reason", f.name, lines, maxLines)
			case lines <= maxLines && excused:
				t.Errorf("%s: %d lines: ARCHITECTURE.md excuses it for nothing", f.name, lines)
			}
			delete(reasons, f.name)
			for _, long := range f.longFunctions() {
				t.Errorf("%s", long)
			}
		}
	}
	for name := range reasons {
		t.Errorf("%s: ARCHITECTURE.md excuses a file that is not there", name)
	}
}

// longFunctions names the functions of a file that have too many lines. In
// tests, the rows of tables do not count.
func (f file) longFunctions() []string {
	var long []string
	for _, declared := range f.tree.Decls {
		function, ok := declared.(*ast.FuncDecl)
		if !ok {
			continue
		}
		lines := f.span(function)
		if f.test() {
			lines -= f.tableLines(function)
		}
		if lines > maxFunctionSize {
			long = append(long, fmt.Sprintf("%s: %s has %d lines: cut it", f.name, function.Name.Name, lines))
		}
	}
	return long
}

// span returns how many lines a node is long.
func (f file) span(n ast.Node) int {
	return f.files.Position(n.End()).Line - f.files.Position(n.Pos()).Line + 1
}

// tableLines returns how many lines of a function are rows of tables: slices and maps
// written out.
func (f file) tableLines(function *ast.FuncDecl) int {
	lines := 0
	ast.Inspect(function, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		switch literal.Type.(type) {
		case *ast.ArrayType, *ast.MapType:
			lines += max(0, f.span(literal)-2)
			return false
		}
		return true
	})
	return lines
}

// unfinished matches marks of work left undone. It is written so that it does
// not match itself.
var unfinished = regexp.MustCompile(`\b(TOD[O]|FIXM[E])\b`)

func TestNothingIsMarkedUnfinished(t *testing.T) {
	top := root(t)
	err := filepath.WalkDir(top, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			switch entry.Name() {
			case ".git", "testdata", "bin", "results":
				return filepath.SkipDir
			}
			return nil
		}
		switch filepath.Ext(name) {
		case ".go", ".md", ".mod", "":
		default:
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil || bytes.IndexByte(text, 0) >= 0 {
			return err
		}
		if mark := unfinished.Find(text); mark != nil {
			t.Errorf("%s: says %s", name, mark)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLongFunctions(t *testing.T) {
	long := func(name, body string) int {
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, name, "package p\nfunc f() {\n"+body+"}\n", 0)
		if err != nil {
			t.Fatal(err)
		}
		return len(file{name: name, tree: tree, files: set}.longFunctions())
	}
	rows := "_ = []int{\n" + strings.Repeat("1,\n", 80) + "}\n"
	for _, c := range []struct {
		name, body string
		want       int
	}{
		{"a.go", strings.Repeat("f()\n", 67), 0},
		{"a.go", strings.Repeat("f()\n", 68), 1},
		{"a_test.go", strings.Repeat("f()\n", 68), 1},
		{"a.go", rows, 1},
		{"a_test.go", rows, 0},
		{"a_test.go", rows + strings.Repeat("f()\n", 68), 1},
	} {
		if got := long(c.name, c.body); got != c.want {
			t.Errorf("%s with %d lines: %d functions are too long, want %d", c.name, strings.Count(c.body, "\n")+2, got, c.want)
		}
	}
}
