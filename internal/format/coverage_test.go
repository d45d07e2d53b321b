package format

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"testing"
)

// TestEveryFieldHasCodec sees to it that no struct of types.go, and no field
// of one, was forgotten: each is set in some sample, and all samples come back
// from their encodings unchanged.
func TestEveryFieldHasCodec(t *testing.T) {
	set := map[string]bool{} // "Type.Field"
	for _, s := range samples() {
		noteSet(reflect.ValueOf(s.value), set)
	}
	// These have fixed layouts of their own and tests beside them.
	for _, v := range []any{
		Header{Kind: KindRoot, Epoch: 1},
		IndexEntry{ID: ShortID{1}, Position: Position{Pack: 1, BlockOffset: 1, BlockLength: 1, ChunkOffset: 1}},
	} {
		noteSet(reflect.ValueOf(v), set)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "types.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		fields, ok := spec.Type.(*ast.StructType)
		if !ok {
			return false
		}
		for _, field := range fields.Fields.List {
			for _, name := range field.Names {
				if key := spec.Name.Name + "." + name.Name; !set[key] {
					t.Errorf("%s is set in no sample", key)
				}
			}
		}
		return false
	})
}

// noteSet notes the fields of all structs in v that are not zero.
func noteSet(v reflect.Value, set map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			noteSet(v.Elem(), set)
		}
	case reflect.Slice:
		for i := range v.Len() {
			noteSet(v.Index(i), set)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				set[v.Type().Name()+"."+v.Type().Field(i).Name] = true
				noteSet(v.Field(i), set)
			}
		}
	}
}
