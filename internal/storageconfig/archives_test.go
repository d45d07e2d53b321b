package storageconfig

import (
	"testing"

	"firn/internal/format"
	"firn/internal/object"
)

// TestArchivesData: whether data packs go into an archive class is known from the
// settings, and from the file as it was last seen, without a request.
func TestArchivesData(t *testing.T) {
	dir := t.TempDir()
	inner := object.NewMem()
	around := func(s Settings, cache string) *Store {
		t.Helper()
		r, err := NewRules(s)
		if err != nil {
			t.Fatal(err)
		}
		return r.Around(inner, Watch{Cache: cache, Say: func(string, ...any) {}})
	}
	if around(Settings{}, dir).ArchivesData() || !around(Settings{Whole: Params{Class: "GLACIER"}}, dir).ArchivesData() {
		t.Error("the settings are not gone by")
	}
	file := []byte(`{"blobOptions":[{"prefix":"p","storageClass":"DEEP_ARCHIVE"}]}`)
	if _, err := inner.Put(t.Context(), format.StorageConfigName, file, object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if around(Settings{}, dir).ArchivesData() {
		t.Error("a file that nobody has read is known")
	}
	s := around(Settings{}, dir)
	if _, err := s.Load(t.Context()); err != nil || !s.ArchivesData() {
		t.Errorf("the file in force is not gone by: %v", err)
	}
	if !around(Settings{}, dir).ArchivesData() || around(Settings{}, t.TempDir()).ArchivesData() {
		t.Error("the copy in the cache is not gone by, or another's is")
	}
}
