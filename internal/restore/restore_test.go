package restore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/repo"
	"firn/internal/restore"
	"firn/internal/target"
)

var shared = noise(1, 5000)

func someTree() map[string]spec {
	return map[string]spec{
		"a/": folder(), "a/empty": file(), "a/one": file(noise(2, 100)), "a/same": file(shared), "a-b": file(shared),
		"a/several": file(noise(3, 300_000), shared, noise(4, 70)), "b/": folder(), "b/c/": folder(),
		"b/c/link": link("../../a/one"), "b/sparse": file(noise(5, 4096), 1<<20, noise(6, 4096), 100),
		"hole": file(1 << 16), "z": file(noise(7, 1)),
	}
}

func TestToDisk(t *testing.T) {
	s := stow(t, someTree())
	dir := t.TempDir()
	told, p, err := s.toDisk(s.store, dir, restore.Options{})
	if err != nil || len(told) > 0 {
		t.Fatalf("%v, %v", err, told)
	}
	s.compare(dir, s.all()...)
	if p.Files.Load() != 8 || p.Files.Load() != p.TotalFiles.Load() || p.Bytes.Load() > p.TotalBytes.Load() || p.Skipped.Load() != 0 {
		t.Errorf("files %d of %d, bytes %d of %d, skipped %d", p.Files.Load(), p.TotalFiles.Load(), p.Bytes.Load(), p.TotalBytes.Load(), p.Skipped.Load())
	}
	// What is there already is found to be right and not written again.
	told, p, err = s.toDisk(s.store, dir, restore.Options{})
	if err != nil || len(told) > 0 || p.Fetched.Load() != 0 || p.Files.Load() != 0 {
		t.Errorf("again: %v, %v, %d bytes fetched, %d files", err, told, p.Fetched.Load(), p.Files.Load())
	}
	s.compare(dir, s.all()...)
}

// TestParts restores parts of the tree.
func TestParts(t *testing.T) {
	s := stow(t, someTree())
	odd := func(key []byte, _ *format.Entry) bool { return strings.Contains(string(key), "s") }
	for name, test := range map[string]struct {
		opts restore.Options
		want []string // as in the target
		err  error
	}{
		"a directory":             {restore.Options{From: []byte("a")}, []string{"empty", "one", "same", "several"}, nil},
		"a directory with slash":  {restore.Options{From: []byte("a/")}, []string{"empty", "one", "same", "several"}, nil},
		"a directory below":       {restore.Options{From: []byte("b/c")}, []string{"link"}, nil},
		"a file":                  {restore.Options{From: []byte("a/one")}, []string{"one"}, nil},
		"a file at the top":       {restore.Options{From: []byte("z")}, []string{"z"}, nil},
		"chosen":                  {restore.Options{Select: odd}, []string{"a/", "a/same", "a/several", "b/", "b/sparse"}, nil},
		"chosen of a directory":   {restore.Options{From: []byte("a"), Select: odd}, []string{"same", "several"}, nil},
		"nothing there":           {restore.Options{From: []byte("c")}, nil, restore.ErrPath},
		"the beginning of a name": {restore.Options{From: []byte("a/on")}, nil, restore.ErrPath},
		"below a file":            {restore.Options{From: []byte("z/x")}, nil, restore.ErrPath},
		"nothing, as a dry run":   {restore.Options{DryRun: true}, nil, nil},
		"one reader at a time":    {restore.Options{Readers: 1, From: []byte("b/c")}, []string{"link"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			told, p, err := s.toDisk(s.store, dir, test.opts)
			if !errors.Is(err, test.err) || len(told) > 0 {
				t.Fatalf("%v, %v", err, told)
			}
			s.names(t, dir, test.want)
			if test.opts.DryRun && (p.Files.Load() != 8 || p.Bytes.Load() == 0 || p.Fetched.Load() != 0) {
				t.Errorf("it would make %d files of %d bytes, and fetched %d", p.Files.Load(), p.Bytes.Load(), p.Fetched.Load())
			}
		})
	}
}

// names compares what there is with a list.
func (s *stock) names(t *testing.T, dir string, want []string) {
	t.Helper()
	var got []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if path != dir {
			key := strings.TrimPrefix(path, dir+"/")
			if d.IsDir() {
				key += "/"
			}
			got = append(got, key)
		}
		return err
	})
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("there is %v instead of %v, %v", got, want, err)
	}
}

// TestFewRequests has many small files of one pack come with few requests.
func TestFewRequests(t *testing.T) {
	many := map[string]spec{}
	for i := range 300 {
		many[fmt.Sprintf("f%03d", i)] = file(noise(i, 1000))
	}
	s := stow(t, many)
	listing, meter := object.Meter(s.store), object.Meter(s.store)
	s.reader(listing, func(*repo.Reader) {})
	dir := t.TempDir()
	if told, _, err := s.toDisk(meter, dir, restore.Options{}); err != nil || len(told) > 0 {
		t.Fatalf("%v, %v", err, told)
	}
	s.compare(dir, s.all()...)
	// The tree's page, and the pack in one range.
	if ranges := meter.Counts().GetRange - listing.Counts().GetRange; ranges > 4 {
		t.Errorf("%d ranges were read", ranges)
	}
}

// TestResume stops a restore of a file from several packs and goes on with it.
func TestResume(t *testing.T) {
	var pieces []any
	for i := range 8 {
		pieces = append(pieces, noise(i, 700_000))
	}
	s := stow(t, map[string]spec{"big": file(pieces...)})
	dir := t.TempDir()
	// One reader, stopped at a range of the packs after some were read.
	faulty := objecttest.NewFault(s.store, 0, objecttest.Rule{Op: objecttest.GetRange, Name: "p/*", Nth: 5, Do: objecttest.Stop})
	if _, _, err := s.toDisk(faulty, dir, restore.Options{Readers: 1}); !errors.Is(err, objecttest.ErrStopped) {
		t.Fatalf("the stop shows as %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "big")); err == nil {
		t.Error("half a file has its name")
	}
	told, p, err := s.toDisk(s.store, dir, restore.Options{})
	if err != nil || len(told) > 0 {
		t.Fatalf("%v, %v", err, told)
	}
	s.compare(dir, "big")
	if fetched := p.Fetched.Load(); fetched == 0 || fetched > 5_000_000 {
		t.Errorf("%d bytes are fetched again", fetched)
	}
}

// TestDriveFails has a restore break off, not call files damaged.
func TestDriveFails(t *testing.T) {
	s := stow(t, someTree())
	for name, rule := range map[string]objecttest.Rule{
		"unreachable packs": {Op: objecttest.GetRange, Name: "p/*", Do: objecttest.Fail},
		"unreachable tree":  {Op: objecttest.GetRange, Name: "q/*", Do: objecttest.Fail},
	} {
		told, _, err := s.toDisk(objecttest.NewFault(s.store, 0, rule), t.TempDir(), restore.Options{})
		if !errors.Is(err, object.ErrUnreachable) || len(told) > 0 {
			t.Errorf("%s: %v, %v", name, err, told)
		}
	}
}

// TestStopped has the context end.
func TestStopped(t *testing.T) {
	s := stow(t, someTree())
	s.reader(s.store, func(rd *repo.Reader) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		disk, err := target.NewDisk(t.TempDir(), target.DiskOptions{})
		s.must(err)
		if err := restore.ToDisk(ctx, rd, s.root, disk, restore.Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		s.must(disk.Close())
	})
}

// memory is an archive in memory.
type memory map[string][]byte

func (m memory) Add(key []byte, _ *format.Entry, content io.Reader) error {
	body, err := io.ReadAll(content)
	m[string(key)] = body
	return err
}

func (m memory) Close() error { return nil }

func TestToArchive(t *testing.T) {
	specs := someTree()
	unread := file()
	unread.entry.Flags = format.FlagUnreadable
	specs["unread"] = unread
	s := stow(t, specs)
	got, told := memory{}, problems{}
	s.reader(s.store, func(rd *repo.Reader) {
		p := &restore.Progress{OnProblem: func(path string, err error) { told[path] = err }}
		s.must(restore.ToArchive(t.Context(), rd, s.root, got, restore.Options{Progress: p}))
	})
	if len(told) != 1 || told["unread"] == nil {
		t.Errorf("problems %v", told)
	}
	delete(specs, "unread")
	if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(specs))) {
		t.Errorf("entries %v", slices.Sorted(maps.Keys(got)))
	}
	for key, body := range got {
		if string(body) != string(specs[key].content()) {
			t.Errorf("%s has another content", key)
		}
	}
}
