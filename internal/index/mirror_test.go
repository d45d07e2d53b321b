package index

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

func TestMirrorWithoutFolder(t *testing.T) {
	d := newDrive(t)
	r := rand.New(rand.NewPCG(1, 8))
	for range 12 {
		d.add(t, randomContent(r, 2, 40))
	}
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"parent is a file": func(t *testing.T, dir string) { writeFileAt(t, filepath.Dir(dir)) },
		"no temporary folder either": func(t *testing.T, dir string) {
			writeFileAt(t, filepath.Dir(dir))
			t.Setenv("TMPDIR", filepath.Join(filepath.Dir(dir), "none"))
			t.Setenv("TMP", filepath.Join(filepath.Dir(dir), "none"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "parent", "cache")
			spoil(t, dir)
			m := openMirror(t, dir)
			v := openView(t, m, d, d.names())
			expect(t, v, d.all(d.names()...)...)
			c := randomContent(r, 1, 9)
			segment, body := c.seal(t, d.keys)
			if err := v.AddSealed(segment, body); err != nil {
				t.Fatal(err)
			}
			expect(t, v, append(d.all(d.names()...), c)...)
			if m.Degraded() == nil {
				t.Error("nobody is told")
			}
		})
	}
}

func writeFileAt(t testing.TB, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestMirrorRefusesAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	writeFileAt(t, path)
	if _, err := OpenMirror(path); err == nil {
		t.Error("a file passes for a cache folder")
	}
}

func TestMirrorFolderDeletedMeanwhile(t *testing.T) {
	d := newDrive(t)
	r := rand.New(rand.NewPCG(2, 8))
	dir := filepath.Join(t.TempDir(), "cache")
	d.add(t, randomContent(r, 2, 40))
	m := openMirror(t, dir)
	v := openView(t, m, d, d.names())
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	c := randomContent(r, 1, 9)
	segment, body := c.seal(t, d.keys)
	if err := v.AddSealed(segment, body); err != nil {
		t.Fatal(err)
	}
	expect(t, v, append(d.all(d.names()...), c)...)
	if err := m.Degraded(); err != nil || len(cacheFiles(t, dir)) == 0 {
		t.Errorf("the folder is not made again: %v", err)
	}
}

// TestFullDisk makes writes fail in the middle of a layer.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	m := openMirror(t, dir)
	c := randomContent(rand.New(rand.NewPCG(3, 8)), 1, 400)
	build := func(to io.WriterAt) error {
		if f, ok := to.(checkedFile); ok {
			if err := f.Truncate(0); err != nil {
				return err
			}
			f.Close() // every write fails from here on
			_, err := to.WriteAt([]byte{1}, 0)
			return err
		}
		writeTestLayer(t, to, testLayerID, c)
		return nil
	}
	l := must(m.write(testLayerID, build))(t)
	defer l.drop()
	if l.source.path != "" || m.Degraded() == nil {
		t.Errorf("layer at %q, degraded: %v", l.source.path, m.Degraded())
	}
	if left := must(os.ReadDir(dir))(t); len(left) > 0 {
		t.Errorf("%v is left behind", left)
	}
	own := errors.New("own error")
	if _, err := openMirror(t, dir).write(testLayerID, func(io.WriterAt) error { return own }); !errors.Is(err, own) {
		t.Error(err)
	}
}

func TestFailingTwiceKeepsTheFolder(t *testing.T) {
	dir := t.TempDir()
	kept := filepath.Join(dir, "kept")
	writeFileAt(t, kept)
	m := openMirror(t, dir+"/")
	full := errors.New("full")
	m.fail(dir, full)
	m.fail(dir, full)
	if _, err := os.Stat(kept); err != nil || m.place() == dir || m.place() == "" {
		t.Errorf("%v; writing to %q", err, m.place())
	}
}

func TestAbandonedParts(t *testing.T) {
	dir := t.TempDir()
	old, young := filepath.Join(dir, "a"+partSuffix), filepath.Join(dir, "b"+partSuffix)
	writeFileAt(t, old)
	writeFileAt(t, young)
	past := time.Now().Add(-2 * abandoned)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	openMirror(t, dir)
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an abandoned part stays: %v", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Error(err)
	}
}

func TestPrivateMirrorLeavesNothing(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Setenv("TMP", temporary)
	d := newDrive(t)
	name := d.add(t, randomContent(rand.New(rand.NewPCG(4, 8)), 1, 9))
	m := must(OpenMirror(""))(t)
	v := must(m.View(context.Background(), d, d.keys, []string{name}))(t)
	if err := errors.Join(v.Close(), m.Close()); err != nil {
		t.Fatal(err)
	}
	if left := must(os.ReadDir(temporary))(t); len(left) > 0 {
		t.Errorf("%v is left behind", left)
	}
}

// TestRevokedHost mirrors segments of a host that is revoked then.
func TestRevokedHost(t *testing.T) {
	owner := newOwner(t)
	bundle := must(owner.Bundle(format.RoleWriter))(t)
	writer := must(seal.Open(bundle, owner.Root(), nil))(t)
	d := &drive{Store: object.NewMem(), keys: owner, contents: make(map[string]*content)}
	r := rand.New(rand.NewPCG(5, 8))
	kept := d.add(t, randomContent(r, 1, 20))
	foreign := randomContent(r, 1, 20)
	name, body := foreign.seal(t, writer)
	d.put(t, name, body)
	dir := t.TempDir()
	openView(t, openMirror(t, dir), d, []string{name, kept})
	before := openView(t, openMirror(t, ""), d, []string{name}).Segments()[0].Signature
	revoke := seal.Succession{Revoke: [][]byte{before.Signer.PublicKey}}
	var err error
	if d.keys, _, err = owner.Succeed(revoke); err != nil {
		t.Fatal(err)
	}
	v := openView(t, openMirror(t, dir), d, []string{name, kept}, SkipBad())
	expect(t, v, d.contents[kept])
	if len(v.Bad()) > 0 {
		t.Errorf("a revoked host's segment counts as damage: %v", v.Bad()[0])
	}
	revoke.Vouched = []format.ID{before.Mark}
	if d.keys, _, err = owner.Succeed(revoke); err != nil {
		t.Fatal(err)
	}
	for range 2 { // once fetched, once from the mirror
		expect(t, openView(t, openMirror(t, dir), d, []string{name, kept}), d.contents[kept], foreign)
		d.Store = &refusing{d.Store}
	}
}

// refusing is a store that gives out nothing.
type refusing struct{ object.Store }

func (refusing) Get(context.Context, string, int64) ([]byte, object.Info, error) {
	return nil, object.Info{}, errors.New("asked for")
}

func (refusing) GetRange(context.Context, string, []byte, int64) error {
	return errors.New("asked for")
}

const (
	processFolder = "FIRN_TEST_INDEX_FOLDER"
	processDrive  = "FIRN_TEST_INDEX_DRIVE"
)

// TestProcessesShareAFolder runs processes that open views of changing lists
// of segments over one cache folder.
func TestProcessesShareAFolder(t *testing.T) {
	if folder := os.Getenv(processFolder); folder != "" {
		useSharedFolder(t, folder, os.Getenv(processDrive))
		return
	}
	folder, path := t.TempDir(), t.TempDir()
	var processes []*exec.Cmd
	for range 2 {
		p := exec.Command(os.Args[0], "-test.run=^TestProcessesShareAFolder$", "-test.v")
		p.Env = append(os.Environ(), processFolder+"="+folder, processDrive+"="+path)
		p.Stdout, p.Stderr = new(strings.Builder), new(strings.Builder)
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		processes = append(processes, p)
	}
	for _, p := range processes {
		if err := p.Wait(); err != nil {
			t.Errorf("%v\n%s%s", err, p.Stdout, p.Stderr)
		}
	}
}

// useSharedFolder has keys and segments of its own, as a process over another
// listing would, so that each process throws the other's layers away.
func useSharedFolder(t *testing.T, folder, path string) {
	d := newDrive(t)
	d.Store = must(object.OpenDir(path, true))(t)
	r := rand.New(rand.NewPCG(uint64(os.Getpid()), 8))
	for range 40 {
		d.add(t, randomContent(r, 1, 30))
		m := must(OpenMirror(folder))(t)
		v := must(m.View(t.Context(), d, d.keys, d.names()))(t)
		want := modelOf(d.all(d.names()...)...)
		for id := range want {
			if _, found, err := v.Lookup(wholeID(id), nil); err != nil || !found {
				t.Fatalf("%x: %v, %v", id, found, err)
			}
		}
		if m.Degraded() != nil {
			t.Fatal(m.Degraded())
		}
		if err := errors.Join(v.Close(), m.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
