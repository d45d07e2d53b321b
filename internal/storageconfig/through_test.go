package storageconfig

import (
	"testing"

	"firn/internal/object"
)

// TestThroughStore finds what the store below can do.
func TestThroughStore(t *testing.T) {
	s := newServer(t, Settings{})
	copier, ok := object.CopierOf(s.open(""))
	if !ok {
		t.Fatal("no Copier is found")
	}
	mustPut(t, s, pack)
	if err := copier.Copy(t.Context(), pack, object.CopyOptions{Class: "GLACIER"}); err != nil {
		t.Error(err)
	}
	if info, err := s.Head(t.Context(), pack); err != nil || info.Class != "GLACIER" {
		t.Errorf("%+v, %v", info, err)
	}
	if _, ok := object.ThawerOf(s.open("")); ok {
		t.Error("memory has archive classes")
	}
}
