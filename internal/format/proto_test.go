package format

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// TestRecordsMatchFormatPage reads the messages of docs/format.md and decodes
// the samples' encodings with them and the ordinary Protocol Buffers library:
// every field must be known, keep its value and encode to the same bytes.
func TestRecordsMatchFormatPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	messages := formatPage(t, string(page))
	for _, s := range samples() {
		if s.proto == "" {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			m := dynamicpb.NewMessage(messages.ByName(protoreflect.Name(s.proto)))
			encoded := s.value.Append(nil)
			if err := proto.Unmarshal(encoded, m); err != nil {
				t.Fatal(err)
			}
			compareScalars(t, m, reflect.ValueOf(s.value).Elem())
			again, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(again, encoded) {
				t.Errorf("encoding differs from the library's:\n%x\n%x", encoded, again)
			}
		})
	}
}

// compareScalars compares the numbers and strings of a message, and of those
// within, with the fields of the same names of a record.
func compareScalars(t *testing.T, m protoreflect.Message, record reflect.Value) {
	if unknown := m.GetUnknown(); len(unknown) > 0 {
		t.Errorf("%s: the page does not know %x", m.Descriptor().Name(), unknown)
	}
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := strings.ReplaceAll(string(field.Name()), "_", "")
		own := record.FieldByNameFunc(func(s string) bool { return strings.EqualFold(s, name) })
		if !own.IsValid() {
			return true // as Slot.secret and PackInfo.kind, which the structs hold otherwise
		}
		own = reflect.Indirect(own)
		switch {
		case field.IsList() && field.Kind() == protoreflect.MessageKind:
			for i := range v.List().Len() {
				compareScalars(t, v.List().Get(i).Message(), own.Index(i))
			}
		case field.IsList():
			if v.List().Len() != own.Len() {
				t.Errorf("%s has %d elements, want %d", field.FullName(), v.List().Len(), own.Len())
			}
		case field.Kind() == protoreflect.MessageKind:
			compareScalars(t, v.Message(), own)
		case field.Kind() != protoreflect.BytesKind:
			if got, want := v.String(), fmt.Sprint(own.Interface()); got != want {
				t.Errorf("%s is %s, want %s", field.FullName(), got, want)
			}
		}
		return true
	})
}

var (
	protoBlock   = regexp.MustCompile("(?s)```proto\n(.*?)```")
	protoComment = regexp.MustCompile(`//.*`)
	protoMessage = regexp.MustCompile(`message (\w+)\s*\{([^}]*)\}`)
	protoField   = regexp.MustCompile(`(repeated )?(\w+)\s+(\w+) = (\d+);`)
	protoTypes   = map[string]descriptorpb.FieldDescriptorProto_Type{
		"uint32": descriptorpb.FieldDescriptorProto_TYPE_UINT32, "uint64": descriptorpb.FieldDescriptorProto_TYPE_UINT64,
		"int64": descriptorpb.FieldDescriptorProto_TYPE_INT64, "sint64": descriptorpb.FieldDescriptorProto_TYPE_SINT64,
		"string": descriptorpb.FieldDescriptorProto_TYPE_STRING, "bytes": descriptorpb.FieldDescriptorProto_TYPE_BYTES,
	}
)

// formatPage returns the messages that the page's proto blocks define.
func formatPage(t *testing.T, page string) protoreflect.MessageDescriptors {
	t.Helper()
	file := &descriptorpb.FileDescriptorProto{Name: proto.String("format.proto"), Syntax: proto.String("proto3"), Package: proto.String("firn")}
	for _, block := range protoBlock.FindAllStringSubmatch(page, -1) {
		source := protoComment.ReplaceAllString(block[1], "")
		for _, m := range protoMessage.FindAllStringSubmatch(source, -1) {
			message := &descriptorpb.DescriptorProto{Name: proto.String(m[1])}
			for _, f := range protoField.FindAllStringSubmatch(m[2], -1) {
				message.Field = append(message.Field, pageField(t, f))
			}
			if rest := strings.TrimSpace(protoField.ReplaceAllString(m[2], "")); rest != "" {
				t.Fatalf("message %s: cannot read %q", m[1], rest)
			}
			file.MessageType = append(file.MessageType, message)
		}
	}
	built, err := protodesc.NewFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return built.Messages()
}

// pageField makes a field of the parts that protoField found.
func pageField(t *testing.T, parts []string) *descriptorpb.FieldDescriptorProto {
	number, err := strconv.ParseInt(parts[4], 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	field := &descriptorpb.FieldDescriptorProto{
		Name: proto.String(parts[3]), JsonName: proto.String(parts[3]), Number: proto.Int32(int32(number)),
		Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
	}
	if parts[1] != "" {
		field.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	}
	if kind, ok := protoTypes[parts[2]]; ok {
		field.Type = kind.Enum()
	} else {
		field.Type = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
		field.TypeName = proto.String(".firn." + parts[2])
	}
	return field
}
