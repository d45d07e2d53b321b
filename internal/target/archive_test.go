package target

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"firn/internal/format"
)

var (
	_ Archive = (*Tar)(nil)
	_ Archive = (*Zip)(nil)
)

func archiveItems() []item {
	linked := func(key string) item {
		x := file(key, "linked")
		x.entry.Links, x.entry.Inode = 2, 7
		return x
	}
	attributed := file("d/x", "attributes")
	attributed.entry.Attributes = []format.Attribute{attributeOf("user.bin", "\x00\xff=\n"), attributeOf("user.name", "value")}
	attributed.entry.UID, attributed.entry.GID, attributed.entry.User, attributed.entry.Group = 1<<32-2, 70000, "näme", "group"
	attributed.entry.Mode = 0o4755
	return []item{
		directory("d/"), linked("d/a"), linked("d/b"), file("d/big", strings.Repeat("0123456789", 100000)), symlink("d/link", "../elsewhere"),
		{key: "d/pipe", entry: format.Entry{Type: format.TypePipe, Mode: 0o600}},
		attributed, file("d/\xff\xfe", "bytes"), file("e", ""), file(strings.Repeat("long/", 60)+strings.Repeat("n", 255), "deep"),
	}
}

func attributeOf(name, value string) format.Attribute {
	return format.Attribute{Name: []byte(name), Value: []byte(value)}
}

func writeArchive(t *testing.T, a Archive, items []item) {
	t.Helper()
	for i := range items {
		if err := a.Add([]byte(items[i].key), &items[i].entry, strings.NewReader(items[i].content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTar(t *testing.T) {
	var b bytes.Buffer
	items := archiveItems()
	writeArchive(t, NewTar(&b, func(e Event) { t.Errorf("event %+v", e) }), items)
	r := tar.NewReader(bytes.NewReader(b.Bytes()))
	for i := range items {
		x, e := &items[i], &items[i].entry
		h, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if h.Name != x.key || h.Mode != int64(e.Mode) || !h.ModTime.Equal(time.Unix(e.MTime, int64(e.MTimeNS))) ||
			uint64(h.Uid) != e.UID || uint64(h.Gid) != e.GID || h.Uname != e.User || h.Gname != e.Group {
			t.Errorf("%q: %+v", x.key, h)
		}
		for _, a := range e.Attributes {
			if got := h.PAXRecords["SCHILY.xattr."+string(a.Name)]; got != string(a.Value) {
				t.Errorf("%q: attribute %s is %q", x.key, a.Name, got)
			}
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case x.key == "d/b":
			if h.Typeflag != tar.TypeLink || h.Linkname != "d/a" {
				t.Errorf("hard link: %+v", h)
			}
		case e.Type == format.TypeSymlink:
			if h.Typeflag != tar.TypeSymlink || h.Linkname != string(e.Target) {
				t.Errorf("symlink: %+v", h)
			}
		case string(content) != x.content:
			t.Errorf("%q: content of %d bytes, want %d", x.key, len(content), len(x.content))
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last entry: %v", err)
	}
	extractTar(t, b.Bytes(), items)
}

// extractTar has the system's tar read the archive.
func extractTar(t *testing.T, archive []byte, items []item) {
	program, err := exec.LookPath("tar")
	if err != nil {
		t.Log("no tar program here")
		return
	}
	dir := t.TempDir()
	c := exec.Command(program, "-xpf", "-", "--no-same-owner")
	c.Dir, c.Stdin = dir, bytes.NewReader(archive)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	for i := range items {
		x := &items[i]
		s, err := os.Lstat(dir + "/" + x.key)
		if err != nil {
			t.Error(err)
			continue
		}
		if !s.ModTime().Equal(time.Unix(x.entry.MTime, int64(x.entry.MTimeNS))) && !s.IsDir() {
			t.Errorf("%q: time %v", x.key, s.ModTime())
		}
		if x.entry.Type == format.TypeFile {
			if content, err := os.ReadFile(dir + "/" + x.key); err != nil || string(content) != x.content {
				t.Errorf("%q: %d bytes, %v", x.key, len(content), err)
			}
		}
	}
}

func TestZip(t *testing.T) {
	var b bytes.Buffer
	items := archiveItems()
	var left []string
	writeArchive(t, NewZip(&b, func(e Event) { left = append(left, string(e.Key)+": "+e.Op) }), items)
	if got := strings.Join(left, ", "); got != "d/pipe: leave out, d/pipe: set time, d/x: set attributes" && got != "d/pipe: leave out, d/x: set attributes" {
		t.Errorf("reported: %s", got)
	}
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		t.Fatal(err)
	}
	files := r.File
	for i := range items {
		x, e := &items[i], &items[i].entry
		if e.Type == format.TypePipe {
			continue
		}
		f := files[0]
		files = files[1:]
		want := fs.FileMode(e.Mode & 0o777)
		switch {
		case e.Type == format.TypeDirectory:
			want |= fs.ModeDir
		case e.Type == format.TypeSymlink:
			want |= fs.ModeSymlink
		case e.Mode&0o4000 != 0:
			want |= fs.ModeSetuid
		}
		if f.Name != x.key || f.Mode() != want || f.Modified.Unix() != e.MTime {
			t.Errorf("%q: name %q mode %v (want %v) time %v", x.key, f.Name, f.Mode(), want, f.Modified)
		}
		c, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(c)
		if want := x.content + string(e.Target); err != nil || string(content) != want {
			t.Errorf("%q: content of %d bytes, %v", x.key, len(content), err)
		}
	}
	if len(files) != 0 {
		t.Errorf("%d entries too many", len(files))
	}
	if program, err := exec.LookPath("unzip"); err == nil {
		path := t.TempDir() + "/a.zip"
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(program, "-tq", path).CombinedOutput(); err != nil {
			t.Errorf("unzip: %v\n%s", err, out)
		}
	}
}

func TestZipTimes(t *testing.T) {
	var b bytes.Buffer
	events := 0
	z := NewZip(&b, func(Event) { events++ })
	for i, when := range []int64{-1 << 40, 0, 1e9, 1 << 33} {
		x := file(string(rune('a'+i)), "x")
		x.entry.MTime = when
		if err := z.Add([]byte(x.key), &x.entry, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if events != 3 {
		t.Errorf("%d events, want 3", events)
	}
}

func TestArchiveRefuses(t *testing.T) {
	for name, make := range map[string]func() Archive{
		"tar": func() Archive { return NewTar(io.Discard, nil) },
		"zip": func() Archive { return NewZip(io.Discard, nil) },
	} {
		for _, key := range []string{"../x", "/x", "", "a//b", "a/", "a\x00"} {
			x := file(key, "x")
			if err := make().Add([]byte(key), &x.entry, strings.NewReader("x")); !errors.Is(err, ErrKey) {
				t.Errorf("%s %q: %v", name, key, err)
			}
		}
		big := strings.Repeat("x", 2*copyBuffer)
		broken := errors.New("broken")
		for want, content := range map[error]io.Reader{
			ErrSize: strings.NewReader(big[1:]), broken: io.MultiReader(strings.NewReader("x"), failing{broken}),
		} {
			x := file("f", big)
			if err := make().Add([]byte("f"), &x.entry, content); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", name, err, want)
			}
		}
		x := file("f", big)
		if err := make().Add([]byte("f"), &x.entry, strings.NewReader(big+"y")); !errors.Is(err, ErrSize) {
			t.Errorf("%s, content too long: %v", name, err)
		}
		socket := format.Entry{Type: format.TypeSocket}
		if err := make().Add([]byte("s"), &socket, nil); err != nil {
			t.Errorf("%s, socket: %v", name, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
