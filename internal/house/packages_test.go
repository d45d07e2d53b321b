package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const module = "firn"

// listed is what the go command knows of a package.
type listed struct {
	ImportPath string
	Dir        string
	Doc        string
}

// name is the package as ARCHITECTURE.md writes it: without the module and
// without internal/.
func (l listed) name() string {
	return strings.TrimPrefix(strings.TrimPrefix(l.ImportPath, module+"/"), "internal/")
}

// root returns the module's folder.
func root(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// list asks the go command which packages the module has. All their files are
// read by this test too, so a cached result is never older than they are.
func list(t *testing.T) []listed {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Dir,Doc", "./...")
	command.Dir = root(t)
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var l listed
		err := decoder.Decode(&l)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
}

func TestEveryPackageIsListed(t *testing.T) {
	d := readDocument(t)
	exists := map[string]bool{}
	for _, l := range list(t) {
		exists[l.name()] = true
		_, layered := d.layers[l.name()]
		_, beside := d.beside[l.name()]
		if layered == beside {
			t.Errorf("%s: ARCHITECTURE.md must list it once, in one table", l.name())
		}
		if l.Doc == "" {
			t.Errorf("%s: has no package comment", l.name())
		}
	}
	for name := range d.layers {
		if !exists[name] {
			t.Errorf("%s: ARCHITECTURE.md lists it, but there is no such package", name)
		}
	}
	for name := range d.beside {
		if !exists[name] {
			t.Errorf("%s: ARCHITECTURE.md lists it, but there is no such package", name)
		}
	}
}

// testEquipment may be imported by test files of any layer and by no others.
var testEquipment = map[string]bool{"object/objecttest": true, "object/s3/s3test": true, "object/s3/s3test/cold": true}

// sdks are the modules that only object/s3 may import.
var sdks = []string{"github.com/aws/", "github.com/minio/"}

func TestImports(t *testing.T) {
	d := readDocument(t)
	for _, l := range list(t) {
		for _, f := range parse(t, l.Dir) {
			for _, spec := range f.tree.Imports {
				imported := strings.Trim(spec.Path.Value, `"`)
				if problem := d.judge(l.name(), imported, f.test()); problem != "" {
					t.Errorf("%s: %s", f.name, problem)
				}
			}
		}
	}
}

// judge says what is wrong with an import, or "".
func (d document) judge(importer, imported string, fromTest bool) string {
	for _, sdk := range sdks {
		if strings.HasPrefix(imported, sdk) && importer != "object/s3" {
			return "imports " + imported + ": only object/s3 may use an S3 SDK"
		}
	}
	if imported != module && !strings.HasPrefix(imported, module+"/") {
		return ""
	}
	name := listed{ImportPath: imported}.name()
	from, layered := d.layers[importer]
	to, layeredToo := d.layers[name]
	switch {
	case !layered: // beside the layers: may use all of them
		return ""
	case testEquipment[name]:
		if fromTest || path.Dir(name) == importer {
			return ""
		}
		return "imports " + name + ", which is for tests"
	case !layeredToo:
		return "imports " + name + ", which is beside the layers"
	case to < from, fromTest && to == from:
		return ""
	}
	return "imports " + name + ", which is not in a lower layer"
}

func TestJudge(t *testing.T) {
	d := document{
		layers: map[string]int{"object": 0, "object/s3": 1, "seal": 1, "repo": 3, "object/objecttest": 1},
		beside: map[string]string{"demo": "x", "object/s3/s3test": "x"},
	}
	for _, c := range []struct {
		importer, imported string
		test, fine         bool
	}{
		{"repo", "firn/internal/seal", false, true},
		{"repo", "fmt", false, true},
		{"seal", "firn/internal/repo", false, false},
		{"seal", "firn/internal/repo", true, false},
		{"seal", "firn/internal/object/s3", false, false},
		{"seal", "firn/internal/object/s3", true, true},
		{"object", "firn/internal/object/objecttest", true, true},
		{"repo", "firn/internal/object/objecttest", false, false},
		{"repo", "firn/internal/object/s3/s3test", true, true},
		{"repo", "firn/internal/object/s3/s3test", false, false},
		{"repo", "firn/demo", false, false},
		{"demo", "firn/internal/object/s3/s3test", false, true},
		{"repo", "github.com/aws/aws-sdk-go-v2/service/s3", false, false},
		{"demo", "github.com/minio/minio-go/v7", false, false},
		{"object/s3", "github.com/minio/minio-go/v7", false, true},
		{"repo", "firn/internal/unknown", false, false},
	} {
		problem := d.judge(c.importer, c.imported, c.test)
		if (problem == "") != c.fine {
			t.Errorf("%s imports %s (test %v): %q", c.importer, c.imported, c.test, problem)
		}
	}
}
