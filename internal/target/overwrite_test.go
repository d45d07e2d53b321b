package target

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/internal/format"
)

func TestParseOverwrite(t *testing.T) {
	for mode := OverwriteAlways; mode <= OverwriteNever; mode++ {
		if got, err := ParseOverwrite(mode.String()); err != nil || got != mode {
			t.Errorf("%v: %v, %v", mode, got, err)
		}
	}
	if _, err := ParseOverwrite("sometimes"); err == nil {
		t.Error("an unknown mode was taken")
	}
}

func TestOverwriteModes(t *testing.T) {
	when := time.Unix(1700000000, 0)
	setUp := func(t *testing.T, dir string) {
		put(t, dir, "older = old", "newer = old", "equal = new", "longer = longer", "link -> older", "emptydir", "fulldir", "fulldir/f = x", "file = x")
		for name, at := range map[string]time.Time{
			"older": when.Add(-time.Hour), "newer": when.Add(time.Hour), "equal": when, "longer": when,
			"emptydir": when.Add(-time.Hour), "fulldir": when.Add(-time.Hour), "file": when.Add(-time.Hour),
		} {
			if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	var items []item
	for _, name := range []string{"older", "newer", "equal", "longer", "link", "absent", "emptydir", "fulldir"} {
		x := file(name, "new")
		x.entry.MTimeNS = 0
		items = append(items, x)
	}
	items = append(items, directory("file/"), file("file/in", "new"))
	items[8].entry.MTime = when.Unix()
	for mode, want := range map[OverwriteMode][]string{
		OverwriteAlways: {"absent = new", "emptydir = new", "equal = new", "file/", "file/in = new", "fulldir/", "fulldir/f = x",
			"link = new", "longer = new", "newer = new", "older = new"},
		OverwriteIfChanged: {"absent = new", "emptydir = new", "equal = new", "file/", "file/in = new", "fulldir/", "fulldir/f = x",
			"link = new", "longer = new", "newer = new", "older = new"},
		OverwriteIfNewer: {"absent = new", "emptydir = new", "equal = new", "file/", "file/in = new", "fulldir/", "fulldir/f = x",
			"link -> older", "longer = longer", "newer = old", "older = new"},
		OverwriteNever: {"absent = new", "emptydir/", "equal = new", "file = x", "fulldir/", "fulldir/f = x",
			"link -> older", "longer = longer", "newer = old", "older = old"},
	} {
		t.Run(mode.String(), func(t *testing.T) {
			dir := t.TempDir()
			setUp(t, dir)
			o := restoreItems(t, dir, DiskOptions{Overwrite: mode}, items...)
			wantTree(t, dir, want...)
			if mode == OverwriteNever {
				o.fine(t)
				if got := o.plans["file/in"]; got.Action != Skip || got.Reason == "" {
					t.Errorf("below a kept file: %+v", got)
				}
			} else if !errors.Is(o.errs["fulldir"], ErrOccupied) || len(o.errs) != 1 {
				t.Errorf("errors %v", o.errs)
			}
		})
	}
}

// With never, what appears after the plan is not replaced either.
func TestNeverLate(t *testing.T) {
	dir := t.TempDir()
	d, err := NewDisk(dir, DiskOptions{Overwrite: OverwriteNever})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	x := file("f", "new")
	if _, err := d.Prepare([]byte("f"), &x.entry); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "f = mine")
	if err := d.WriteFile([]byte("f"), &x.entry, []byte("new")); !errors.Is(err, ErrExists) {
		t.Errorf("WriteFile: %v", err)
	}
	wantTree(t, dir, "f = mine")
}

// Modes that would keep a half written file in a later run do not let one
// have its name.
func TestDirect(t *testing.T) {
	for mode, want := range map[OverwriteMode]bool{
		OverwriteAlways: true, OverwriteIfChanged: true, OverwriteIfNewer: false, OverwriteNever: false,
	} {
		d := &Disk{opts: DiskOptions{Overwrite: mode}}
		for _, fresh := range []bool{true, false} {
			if got := d.direct(&openFolder{record: &record{fresh: fresh}}); got != (want && fresh) {
				t.Errorf("%v, fresh %v: %v", mode, fresh, got)
			}
		}
	}
}

func TestKeepOther(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "f = x")
	d, err := NewDisk(dir, DiskOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, x := range []item{symlink("f", "t"), file("f", "longer"), directory("f/")} {
		if err := d.Keep([]byte(x.key), &x.entry); !errors.Is(err, ErrMoved) {
			t.Errorf("type %d: %v", x.entry.Type, err)
		}
	}
}

func TestUnrestorable(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "f = good")
	x := file("f", "")
	x.entry.Flags, x.entry.MTime = format.FlagUnreadable, 5e9
	o := restoreItems(t, dir, DiskOptions{}, x,
		item{key: "s", entry: format.Entry{Type: format.TypeSocket}}, item{key: "x", entry: format.Entry{Type: 99}})
	for _, key := range []string{"f", "s"} {
		if o.plans[key].Action != Skip || o.plans[key].Reason == "" {
			t.Errorf("%s: %+v", key, o.plans[key])
		}
	}
	if !errors.Is(o.errs["x"], ErrUnsupported) {
		t.Errorf("unknown type: %v", o.errs["x"])
	}
	wantTree(t, dir, "f = good")
}

func TestS3Objects(t *testing.T) {
	dir := t.TempDir()
	object := func(key, content string) item {
		x := file(key, content)
		x.entry.Type, x.entry.Mode = format.TypeS3Object, 0o644
		return x
	}
	stream := file("stdin", "piped")
	stream.entry.Type = format.TypeStream
	o := restoreItems(t, dir, DiskOptions{}, object("a/b", "1"), object("marker/", ""), object("full/", "x"), object("a//c", "2"), stream)
	wantTree(t, dir, "a/", "a/b = 1", "marker/", "stdin = piped")
	if len(o.errs) != 2 || !errors.Is(o.errs["full/"], ErrKey) || !errors.Is(o.errs["a//c"], ErrKey) {
		t.Errorf("errors %v", o.errs)
	}
}

func TestDeleteExtra(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "t")
	put(t, base, "t", "outside", "outside/f = keep", "t/a", "t/a/keep = old", "t/a/extra = x", "t/a/sub", "t/a/sub/x = x",
		"t/a/sub/deep", "t/a/sub/deep/y = y", "t/a/link -> ../../outside", "t/b = x", "t/kept", "t/kept/one = 1", "t/kept/two = 2",
		"t/implied", "t/implied/other = x", "t/z -> ../outside/f")
	items := []item{directory("a/"), file("a/keep", "new"), directory("a-b/"), file("implied/f", "new")}
	opts := DiskOptions{DeleteExtra: true, Extra: func(key []byte) bool { return string(key) != "kept/one" }}
	o := restoreItems(t, dir, opts, items...)
	wantTree(t, dir, "a/", "a/keep = new", "a-b/", "implied/", "implied/f = new", "implied/other = x", "kept/", "kept/one = 1")
	wantTree(t, base+"/outside", "f = keep")
	want := []string{"a/extra", "a/link", "a/sub/", "a/sub/deep/", "a/sub/deep/y", "a/sub/x", "b", "kept/two", "z"}
	for i := range want {
		want[i] += ": delete: <nil>"
	}
	slices.Sort(o.events)
	slices.Sort(want)
	if !slices.Equal(o.events, want) {
		t.Errorf("events\n%s\nwant\n%s", strings.Join(o.events, "\n"), strings.Join(want, "\n"))
	}
}

// A directory in whose place a file belongs goes with all that is in it.
func TestDeleteExtraOccupied(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "f", "f/x = 1", "f/sub", "f/sub/y = 2")
	restoreItems(t, dir, DiskOptions{DeleteExtra: true}, file("f", "new"))
	wantTree(t, dir, "f = new")
	dir = t.TempDir()
	put(t, dir, "f", "f/x = 1")
	o := restoreItems(t, dir, DiskOptions{DeleteExtra: true, Extra: func([]byte) bool { return false }}, file("f", "new"))
	if !errors.Is(o.errs["f"], ErrOccupied) {
		t.Errorf("errors %v", o.errs)
	}
	wantTree(t, dir, "f/", "f/x = 1")
}

// Nothing is deleted unless the whole snapshot was seen.
func TestKeepExtra(t *testing.T) {
	for _, hostile := range []bool{true, false} {
		dir := t.TempDir()
		put(t, dir, "extra = x")
		o := &outcome{}
		d, err := NewDisk(dir, DiskOptions{DeleteExtra: true, Report: o.report})
		if err != nil {
			t.Fatal(err)
		}
		if hostile {
			x := file("../f", "x")
			if _, err := d.Prepare([]byte(x.key), &x.entry); err == nil {
				t.Error("took ../f")
			}
		} else {
			d.KeepExtra()
		}
		if err := d.Finish(context.Background()); err != nil {
			t.Fatal(err)
		}
		d.Close()
		wantTree(t, dir, "extra = x")
		if len(o.events) != 1 {
			t.Errorf("events %q", o.events)
		}
	}
}

func TestFinishCancelled(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "extra = x")
	d, err := NewDisk(dir, DiskOptions{DeleteExtra: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := d.Finish(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Finish: %v", err)
	}
	if err := d.Finish(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("second Finish: %v", err)
	}
	wantTree(t, dir, "extra = x")
}

func TestResume(t *testing.T) { testResume(t, t.TempDir) }

// beginFile starts a run that restores x to dir by pieces.
func beginFile(t *testing.T, dir string, opts DiskOptions, x *item) (*Disk, *File) {
	t.Helper()
	d, err := NewDisk(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Prepare([]byte(x.key), &x.entry); err != nil {
		t.Fatal(err)
	}
	f, err := d.Create([]byte(x.key), &x.entry)
	if err != nil {
		t.Fatal(err)
	}
	return d, f
}

func testResume(t *testing.T, newDir func() string) {
	for _, flags := range []uint32{0, format.FlagSparse} {
		dir := newDir()
		x := file("f", strings.Repeat("good", 4096)+strings.Repeat("\x00", 16384))
		x.entry.Flags = flags
		d, f := beginFile(t, dir, DiskOptions{}, &x)
		if f.Resumed() {
			t.Error("a new file is called resumed")
		}
		for off, p := range map[int64]string{0: x.content[:8192], 8192: "half", 20000: "wrong"} {
			if _, err := f.WriteAt([]byte(p), off); err != nil {
				t.Fatal(err)
			}
		}
		d.Close() // the run breaks off

		d, f = beginFile(t, dir, DiskOptions{}, &x)
		if !f.Resumed() {
			t.Error("the temporary was not found again")
		}
		p := make([]byte, 8192)
		if _, err := f.ReadAt(p, 0); err != nil || string(p) != x.content[:8192] {
			t.Errorf("read back: %v", err)
		}
		_, err := f.WriteAt([]byte(x.content[8192:16384]), 8192)
		if flags == 0 {
			_, err2 := f.WriteAt([]byte(x.content[16384:]), 16384)
			err = errors.Join(err, err2)
		} else {
			err = errors.Join(err, f.Hole(16384, 16384))
		}
		if err := errors.Join(err, f.Commit()); err != nil {
			t.Fatal(err)
		}
		for _, end := range []func() error{f.Commit, f.Abort, f.Suspend} {
			if err := end(); !errors.Is(err, ErrClosed) {
				t.Errorf("second end: %v", err)
			}
		}
		d.Close()
		wantTree(t, dir, "f = "+x.content)
	}
}

// Another version of a file is another temporary.
func TestResumeOtherVersion(t *testing.T) {
	dir := t.TempDir()
	x := file("f", strings.Repeat("x", 5000))
	d, f := beginFile(t, dir, DiskOptions{}, &x)
	if err := errors.Join(f.Suspend(), d.Close()); err != nil {
		t.Fatal(err)
	}
	x.entry.MTime++
	d, f = beginFile(t, dir, DiskOptions{}, &x)
	if f.Resumed() {
		t.Error("another version was resumed")
	}
	if err := errors.Join(f.Abort(), d.Close()); err != nil {
		t.Error(err)
	}
	if got := len(tree(t, dir)); got != 1 {
		t.Errorf("%d files are left, want the suspended one", got)
	}
}

// Zeros written over an earlier run's content are zeros.
func TestResumeSparseZeros(t *testing.T) { testResumeSparseZeros(t, t.TempDir()) }

func testResumeSparseZeros(t *testing.T, dir string) {
	content := strings.Repeat("\x00", 40000)
	x := file("f", content)
	for i := range 2 {
		d, f := beginFile(t, dir, DiskOptions{Sparse: true}, &x)
		var err error
		if i == 0 {
			_, err = f.WriteAt([]byte(strings.Repeat("z", 40000)), 0)
			err = errors.Join(err, f.Suspend())
		} else {
			_, err = f.WriteAt([]byte(content), 0)
			err = errors.Join(err, f.Commit())
		}
		if err != nil {
			t.Fatal(err)
		}
		d.Close()
	}
	wantTree(t, dir, "f = "+content)
}
