package object_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"firn/internal/object"
	"firn/internal/object/objecttest"
)

func TestConformanceOfDirWithoutLinks(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("exclusive renaming is for Linux")
	}
	objecttest.Run(t, func(t *testing.T) object.Store {
		d := openDir(t)
		d.UseRename()
		return d
	})
}

func mustPut(t testing.TB, s object.Store, name, body string) {
	t.Helper()
	if _, err := s.Put(t.Context(), name, []byte(body), object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

// everyCall calls every operation once, on the object "a".
func everyCall(ctx context.Context, s object.Store) map[string]error {
	outcome := make(map[string]error)
	_, _, outcome["get"] = s.Get(ctx, "a", 100)
	outcome["range"] = s.GetRange(ctx, "a", make([]byte, 1), 0)
	_, outcome["head"] = s.Head(ctx, "a")
	_, outcome["put"] = s.Put(ctx, "a", []byte("x"), object.PutOptions{})
	_, outcome["create"] = s.Put(ctx, "b", []byte("x"), object.PutOptions{IfAbsent: true})
	outcome["delete"] = s.Delete(ctx, "a")
	outcome["list"] = nil
	for _, err := range s.List(ctx, "") {
		outcome["list"] = err
	}
	return outcome
}

func TestDirThatVanished(t *testing.T) {
	for name, vanish := range map[string]func(t *testing.T, path string){
		"removed": func(t *testing.T, path string) {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		},
		"unmounted": func(t *testing.T, path string) { // an empty mount point is left
			if err := errors.Join(os.RemoveAll(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		},
		"another drive": func(t *testing.T, path string) {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
			if _, err := object.OpenDir(path, true); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "drive")
			d, err := object.OpenDir(path, true)
			if err != nil {
				t.Fatal(err)
			}
			mustPut(t, d, "a", "x")
			vanish(t, path)
			for call, err := range everyCall(t.Context(), d) {
				if !errors.Is(err, object.ErrNoBucket) {
					t.Errorf("%s: %v", call, err)
				}
			}
			if d.Capabilities().IfAbsent {
				t.Error("a drive that is not there is able to do things")
			}
		})
	}
}

func TestDirThatVanishesDuringListing(t *testing.T) {
	d := openDir(t)
	for i := range 3 {
		mustPut(t, d, fmt.Sprintf("p/%d/a", i), "x")
	}
	var last error
	for _, err := range d.List(t.Context(), "") {
		if last = err; err == nil {
			if err := os.RemoveAll(d.Location()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !errors.Is(last, object.ErrNoBucket) {
		t.Errorf("the listing ended with %v", last)
	}
}

func TestOpenDir(t *testing.T) {
	folder := t.TempDir()
	if _, err := object.OpenDir(filepath.Join(folder, "absent"), false); !errors.Is(err, object.ErrNoBucket) {
		t.Errorf("absent folder: %v", err)
	}
	if _, err := object.OpenDir(folder, false); !errors.Is(err, object.ErrNoBucket) {
		t.Errorf("empty folder: %v", err)
	}
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, create := range []bool{false, true} {
		if _, err := object.OpenDir(file, create); !errors.Is(err, object.ErrNoBucket) || !strings.Contains(err.Error(), "is a file") {
			t.Errorf("a file, create %v: %v", create, err)
		}
	}
	if _, err := object.OpenDir(filepath.Join(file, "below"), true); !errors.Is(err, object.ErrNoBucket) || !strings.Contains(err.Error(), file+": it is a file") {
		t.Errorf("a folder below a file: %v", err)
	}

	path := filepath.Join(folder, "drive")
	first, err := object.OpenDir(path, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, create := range []bool{false, true} {
		again, err := object.OpenDir(path, create)
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, again, "a", "x")
	}
	if _, err := first.Head(t.Context(), "a"); err != nil {
		t.Errorf("the first handle does not recognise the drive: %v", err)
	}
}

// TestDirWithoutMarker opens a copy of a drive that lacks the hidden folder.
func TestDirWithoutMarker(t *testing.T) {
	path := filepath.Join(t.TempDir(), "copy")
	if err := errors.Join(os.Mkdir(path, 0o700), os.WriteFile(filepath.Join(path, "a"), []byte("x"), 0o600)); err != nil {
		t.Fatal(err)
	}
	d, err := object.OpenDir(path, false)
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, d, "b", "x")
	for call, err := range everyCall(t.Context(), d) {
		if err != nil && !errors.Is(err, object.ErrExists) {
			t.Errorf("%s: %v", call, err)
		}
	}
	if err := errors.Join(os.Rename(path, path+"-moved"), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	for call, err := range everyCall(t.Context(), d) {
		if !errors.Is(err, object.ErrNoBucket) {
			t.Errorf("%s after the folder was replaced: %v", call, err)
		}
	}
}

func TestDirModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes")
	}
	d := openDir(t)
	mustPut(t, d, "p/00/a", "x")
	err := filepath.WalkDir(d.Location(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		file, err := entry.Info()
		if err != nil {
			return err
		}
		if file.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, file.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDirTemporaries(t *testing.T) {
	d := openDir(t)
	temporaries := filepath.Join(d.Location(), ".firn", "tmp")
	if err := os.MkdirAll(temporaries, 0o700); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, age := range map[string]time.Duration{"young": 23 * time.Hour, "old": 25 * time.Hour} {
		path := filepath.Join(temporaries, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, now, now.Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	d, err := object.OpenDir(d.Location(), false)
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, d, "a", "x")
	if _, err := d.Put(t.Context(), "a", nil, object.PutOptions{IfAbsent: true}); !errors.Is(err, object.ErrExists) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancelled := &cancelAfter{Context: ctx, cancel: cancel, looks: 3}
	if _, err := d.Put(cancelled, "b", make([]byte, 20<<20), object.PutOptions{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("put cancelled on its way: %v", err)
	}
	left, err := os.ReadDir(temporaries)
	if err != nil || len(left) != 1 || left[0].Name() != "young" {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for info, err := range d.List(t.Context(), "") {
		if err != nil || info.Name != "a" {
			t.Errorf("listed %v, %v", info, err)
		}
	}
}

// cancelAfter is cancelled after its error was asked for some times.
type cancelAfter struct {
	context.Context
	cancel context.CancelFunc
	looks  int
}

func (c *cancelAfter) Err() error {
	if c.looks--; c.looks < 0 {
		c.cancel()
	}
	return c.Context.Err()
}

func TestDirSymlinks(t *testing.T) {
	d := openDir(t)
	outside := t.TempDir()
	mustPut(t, d, "p/00/a", "x")
	if err := os.WriteFile(filepath.Join(outside, "a"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(d.Location(), "p", "out")); err != nil {
		t.Skipf("no symbolic links: %v", err)
	}
	if body, _, err := d.Get(t.Context(), "p/out/a", 100); err == nil {
		t.Errorf("read %q outside of the folder", body)
	}
	if _, err := d.Put(t.Context(), "p/out/b", nil, object.PutOptions{}); err == nil {
		t.Error("wrote outside of the folder")
	}
	if err := d.Delete(t.Context(), "p/out/a"); err == nil {
		t.Error("deleted outside of the folder")
	}
	left, err := os.ReadDir(outside)
	if err != nil || len(left) != 1 {
		t.Errorf("outside: %v, %v", left, err)
	}
	var last error
	for _, last = range d.List(t.Context(), "p/") {
	}
	if !errors.Is(last, object.ErrUnsupported) {
		t.Errorf("listing over a link ended with %v", last)
	}
}

func TestDirClashOfObjectAndFolder(t *testing.T) {
	d := openDir(t)
	mustPut(t, d, "a", "x")
	mustPut(t, d, "f/b", "x")
	for _, name := range []string{"a/b", "f"} {
		for _, opts := range []object.PutOptions{{}, {IfAbsent: true}} {
			if _, err := d.Put(t.Context(), name, nil, opts); !errors.Is(err, object.ErrName) {
				t.Errorf("put %s with %+v: %v", name, opts, err)
			}
		}
	}
}

func TestDirRemakesFolders(t *testing.T) {
	d := openDir(t)
	for _, opts := range []object.PutOptions{{}, {IfAbsent: true}} {
		mustPut(t, d, "p/00/a", "x")
		if err := os.RemoveAll(filepath.Join(d.Location(), "p")); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Put(t.Context(), "p/00/a", nil, opts); err != nil {
			t.Errorf("after the folder was removed: %v", err)
		}
	}
}

func TestDirErrors(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("other error numbers")
	}
	d := openDir(t)
	for cause, want := range map[syscall.Errno]error{
		syscall.ENOSPC: object.ErrFull,
		syscall.EDQUOT: object.ErrFull,
		syscall.EROFS:  object.ErrReadOnly,
		syscall.EACCES: object.ErrAccess,
		syscall.EPERM:  object.ErrAccess,
		syscall.ESTALE: object.ErrUnreachable,
	} {
		err := d.MapError(fmt.Errorf("write: %w", &fs.PathError{Op: "write", Path: "x", Err: cause}))
		var typed *object.Error
		if !errors.Is(err, want) || !errors.Is(err, cause) || !errors.As(err, &typed) || typed.Name != "a" {
			t.Errorf("%v became %v", cause, err)
		}
	}
	if err := d.MapError(nil); err != nil {
		t.Errorf("success became %v", err)
	}
}

func TestDirListsBatches(t *testing.T) {
	d := openDir(t)
	const count = 2500
	folder := filepath.Join(d.Location(), "p")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range count {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprint(i)), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	seen := make(map[string]bool)
	for info, err := range d.List(t.Context(), "p/") {
		if err != nil || seen[info.Name] {
			t.Fatalf("%s: %v", info.Name, err)
		}
		seen[info.Name] = true
	}
	if len(seen) != count {
		t.Errorf("listed %d of %d", len(seen), count)
	}
}

func TestDirETagChangesWithContent(t *testing.T) {
	d := openDir(t)
	seen := make(map[string]bool)
	for i := range 20 {
		info, err := d.Put(t.Context(), "a", bytes.Repeat([]byte{'x'}, i), object.PutOptions{})
		if err != nil || seen[info.ETag] || strings.ContainsAny(info.ETag, "/ ") {
			t.Fatalf("put %d: %+v, %v", i, info, err)
		}
		seen[info.ETag] = true
	}
}
