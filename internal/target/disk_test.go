package target

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"firn/internal/format"
)

// item is one entry of a test's snapshot.
type item struct {
	key     string
	entry   format.Entry
	content string
}

func file(key, content string) item {
	return item{key, format.Entry{Type: format.TypeFile, Mode: 0o644, Size: uint64(len(content)), MTime: 1700000000, MTimeNS: 123456789}, content}
}

func directory(key string) item {
	return item{key: key, entry: format.Entry{Type: format.TypeDirectory, Mode: 0o755, MTime: 1600000000, MTimeNS: 987654321}}
}

func symlink(key, target string) item {
	return item{key: key, entry: format.Entry{Type: format.TypeSymlink, Mode: 0o777, Target: []byte(target), MTime: 1500000000, MTimeNS: 5}}
}

// outcome is what a restore did, by key.
type outcome struct {
	mu     sync.Mutex
	events []string // "key: op: error", guarded by mu
	plans  map[string]Plan
	errs   map[string]error
}

func (o *outcome) report(e Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, fmt.Sprintf("%s: %s: %v", e.Key, e.Op, e.Err))
}

// restoreItems does what package restore does: all plans, then contents, then
// the rest. Large files go by pieces.
func restoreItems(t testing.TB, dir string, opts DiskOptions, items ...item) *outcome {
	t.Helper()
	o := &outcome{plans: map[string]Plan{}, errs: map[string]error{}}
	opts.Report = o.report
	d, err := NewDisk(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	items = slices.Clone(items)
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.key, b.key) })
	for i := range items {
		x := &items[i]
		plan, err := d.Prepare([]byte(x.key), &x.entry)
		if err != nil {
			o.errs[x.key] = err
			continue
		}
		o.plans[x.key] = plan
	}
	if !opts.DryRun {
		for _, action := range []Action{Write, Keep, Make} {
			for i := range items {
				if o.plans[items[i].key].Action == action && o.errs[items[i].key] == nil {
					if err := carryOut(d, action, &items[i]); err != nil {
						o.errs[items[i].key] = err
					}
				}
			}
		}
	}
	if err := d.Finish(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return o
}

func carryOut(d *Disk, action Action, x *item) error {
	key := []byte(x.key)
	switch action {
	case Keep:
		return d.Keep(key, &x.entry)
	case Make:
		return d.MakeOther(key, &x.entry)
	}
	if len(x.content) < 1000 {
		return d.WriteFile(key, &x.entry, []byte(x.content))
	}
	f, err := d.Create(key, &x.entry)
	if err != nil {
		return err
	}
	var pieces sync.WaitGroup
	errs := make([]error, 2)
	half := len(x.content) / 2
	for i, part := range []string{x.content[:half], x.content[half:]} {
		pieces.Go(func() { _, errs[i] = f.WriteAt([]byte(part), int64(i*half)) })
	}
	pieces.Wait()
	if err := errors.Join(errs...); err != nil {
		return errors.Join(err, f.Abort())
	}
	return f.Commit()
}

// fine fails the test if anything went wrong or was reported.
func (o *outcome) fine(t testing.TB) *outcome {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(o.errs)) {
		t.Errorf("%q: %v", key, o.errs[key])
	}
	for _, e := range o.events {
		t.Errorf("event: %s", e)
	}
	return o
}

// tree lists everything below dir as "path", "path/", "path -> target" or
// "path = content".
func tree(t testing.TB, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name := strings.TrimPrefix(path, dir+"/")
		switch {
		case e.IsDir():
			name += "/"
		case e.Type()&os.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			name += " -> " + target
		case e.Type().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			name += " = " + string(content)
		}
		list = append(list, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func wantTree(t testing.TB, dir string, want ...string) {
	t.Helper()
	if got := tree(t, dir); !slices.Equal(got, want) {
		t.Errorf("target holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// put makes files before a restore: as tree lists them.
func put(t testing.TB, dir string, things ...string) {
	t.Helper()
	for _, thing := range things {
		var err error
		if path, target, ok := strings.Cut(thing, " -> "); ok {
			err = os.Symlink(target, filepath.Join(dir, path))
		} else if path, content, ok := strings.Cut(thing, " = "); ok {
			err = os.WriteFile(filepath.Join(dir, path), []byte(content), 0o644)
		} else {
			err = os.Mkdir(filepath.Join(dir, thing), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRestoreTree(t *testing.T) {
	big := strings.Repeat("snow", 500)
	for _, root := range []string{"new", "existing"} {
		for mode := OverwriteAlways; mode <= OverwriteNever; mode++ {
			t.Run(root+" "+mode.String(), func(t *testing.T) {
				dir := t.TempDir()
				if root == "new" {
					dir += "/deep/below"
				}
				items := []item{
					directory("a/"), file("a/one", "1"), file("a/big", big), directory("a/empty/"),
					symlink("a/link", "one"), file("a-b", "x"), file("a.c", ""), file("\xff\xfe", "not UTF-8"),
					file("implicit/parent/f", "y"),
				}
				restoreItems(t, dir, DiskOptions{Overwrite: mode, Xattrs: true}, items...).fine(t)
				wantTree(t, dir, "a/", "a/big = "+big, "a/empty/", "a/link -> one", "a/one = 1", "a-b = x", "a.c = ",
					"implicit/", "implicit/parent/", "implicit/parent/f = y", "\xff\xfe = not UTF-8")
			})
		}
	}
}

func TestRestoreTwiceKeeps(t *testing.T) {
	dir := t.TempDir()
	items := []item{directory("a/"), file("a/one", "1"), symlink("a/link", "one"), file("a/two", "22")}
	opts := DiskOptions{Overwrite: OverwriteIfChanged}
	restoreItems(t, dir, opts, items...).fine(t)
	before, err := os.Stat(dir + "/a/one")
	if err != nil {
		t.Fatal(err)
	}
	items[3].entry.MTime++
	o := restoreItems(t, dir, opts, items...).fine(t)
	for key, want := range map[string]Plan{
		"a/": {Action: Done}, "a/one": {Action: Keep}, "a/link": {Action: Keep}, "a/two": {Action: Write, Existing: true},
	} {
		if o.plans[key] != want {
			t.Errorf("plan of %s is %+v, want %+v", key, o.plans[key], want)
		}
	}
	after, err := os.Stat(dir + "/a/one")
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("unchanged file was replaced (%v)", err)
	}
}

// More directories and files are used at once than may be open.
func TestFewDescriptors(t *testing.T) {
	dir := t.TempDir()
	d, err := NewDisk(dir, DiskOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.folders.limit, d.files.limit = 3, 2
	var items []item
	for i := range 12 {
		items = append(items, directory(fmt.Sprintf("d%02d/", i)), directory(fmt.Sprintf("d%02d/sub/", i)),
			file(fmt.Sprintf("d%02d/sub/f", i), strings.Repeat(string(rune('a'+i)), 3000)))
	}
	var files []*File
	for i := range items {
		if _, err := d.Prepare([]byte(items[i].key), &items[i].entry); err != nil {
			t.Fatal(err)
		}
	}
	for i := range items {
		if items[i].content != "" {
			f, err := d.Create([]byte(items[i].key), &items[i].entry)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
	}
	var writers sync.WaitGroup
	for i, f := range files {
		writers.Go(func() {
			for off := 2000; off >= 0; off -= 1000 {
				if _, err := f.WriteAt([]byte(items[3*i+2].content[off:off+1000]), int64(off)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	if n := d.files.open; n > 2 {
		t.Errorf("%d files are open, at most 2 may be", n)
	}
	if n := len(d.folders.open); n > 3 {
		t.Errorf("%d folders are open, at most 3 may be", n)
	}
	for _, f := range files {
		if err := f.Commit(); err != nil {
			t.Error(err)
		}
	}
	if err := d.Finish(context.Background()); err != nil {
		t.Fatal(err)
	}
	for i := range items {
		if items[i].content != "" {
			got, err := os.ReadFile(filepath.Join(dir, items[i].key))
			if err != nil || string(got) != items[i].content {
				t.Errorf("%s: %q, %v", items[i].key, got, err)
			}
		}
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "old/", "old/extra = x", "old/file = y", "way = z")
	before := tree(t, dir)
	o := restoreItems(t, dir, DiskOptions{DryRun: true, DeleteExtra: true, Overwrite: OverwriteAlways},
		directory("old/"), file("old/file", "new"), directory("way/"), file("way/in", "1"), directory("new/"), file("new/f", "1"))
	if len(o.errs) > 0 {
		t.Errorf("errors: %v", o.errs)
	}
	wantTree(t, dir, before...)
	if want := []string{"old/extra: delete: <nil>"}; !slices.Equal(o.events, want) {
		t.Errorf("events %q, want %q", o.events, want)
	}
	for _, key := range []string{"old/file", "way/in", "new/f"} {
		if o.plans[key].Action != Write {
			t.Errorf("plan of %s: %+v", key, o.plans[key])
		}
	}
	absent := filepath.Join(dir, "absent")
	restoreItems(t, absent, DiskOptions{DryRun: true}, file("f", "1")).fine(t)
	if _, err := os.Lstat(absent); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("dry run made its target: %v", err)
	}
}

func TestUseAfterClose(t *testing.T) {
	d, err := NewDisk(t.TempDir(), DiskOptions{})
	if err != nil {
		t.Fatal(err)
	}
	x := file("f", strings.Repeat("x", 2000))
	if _, err := d.Prepare([]byte(x.key), &x.entry); err != nil {
		t.Fatal(err)
	}
	f, err := d.Create([]byte(x.key), &x.entry)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.WriteAt([]byte("y"), 0); !errors.Is(err, ErrClosed) {
		t.Errorf("WriteAt: %v", err)
	}
	if err := f.Commit(); !errors.Is(err, ErrClosed) {
		t.Errorf("Commit: %v", err)
	}
	if err := d.WriteFile([]byte(x.key), &x.entry, []byte(x.content)); !errors.Is(err, ErrClosed) {
		t.Errorf("WriteFile: %v", err)
	}
}
