package target

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"firn/internal/format"
)

func TestDeleteStaysOnFileSystem(t *testing.T) {
	mounted := fullDisk(t, "1m")
	put(t, mounted, "f = keep")
	dir := t.TempDir()
	put(t, dir, "extra", "extra/g = x", "extra/mount")
	if err := unix.Mount(mounted, dir+"/extra/mount", "", unix.MS_BIND, ""); err != nil {
		t.Skip("cannot mount:", err)
	}
	defer func() {
		if err := unix.Unmount(dir+"/extra/mount", 0); err != nil {
			t.Error(err)
		}
	}()
	o := restoreItems(t, dir, DiskOptions{DeleteExtra: true}, file("f", "1"))
	wantTree(t, dir, "extra/", "extra/mount/", "extra/mount/f = keep", "f = 1")
	if len(o.events) != 2 { // the mount kept, g deleted
		t.Errorf("events %q", o.events)
	}
}

func TestOrdinaryUser(t *testing.T) {
	needRoot(t)
	if os.Getenv("FIRN_TEST_USER") != "" {
		t.Skip("is that run")
	}
	dir, err := os.MkdirTemp("", "firn")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "test")
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(context.Background(), program, "-test.run", "^Test")
	c.Dir, c.Env = dir, append(os.Environ(), "FIRN_TEST_USER=1", "TMPDIR="+dir, "HOME="+dir)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321}}
	out, err := c.CombinedOutput()
	if errors.Is(err, os.ErrPermission) {
		t.Skip("cannot run programs there:", err)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestOrdinaryUserReports(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("needs to be without privileges")
	}
	dir := t.TempDir()
	t.Cleanup(func() { os.Chmod(dir+"/closed", 0o700) })
	d := directory("closed/")
	d.entry.Mode = 0o500
	f := file("closed/f", "x")
	f.entry.UID, f.entry.Mode = 0, 0o4755
	d.entry.UID, d.entry.GID = uint64(os.Geteuid()), uint64(os.Getegid())
	for i := range 2 { // the second time into a directory without write permission
		f.entry.MTime += int64(i)
		o := restoreItems(t, dir, DiskOptions{Owner: true}, d, f)
		if len(o.errs) > 0 || len(o.events) != 2 {
			t.Errorf("errors %v, events %q", o.errs, o.events)
		}
	}
	if mode := statOf(t, dir+"/closed").Mode & 0o7777; mode != 0o500 {
		t.Errorf("mode %o", mode)
	}
	if mode := statOf(t, dir+"/closed/f").Mode & 0o7777; mode != 0o755 {
		t.Errorf("mode %o", mode)
	}
	// A directory that nobody may look into is finished after what is in it.
	t.Cleanup(func() { os.Chmod(dir+"/shut", 0o700) })
	shut := []item{directory("shut/")}
	shut[0].entry.Mode = 0
	for i := range maxFolders + 10 {
		shut = append(shut, directory(fmt.Sprintf("shut/%03d/", i)))
	}
	restoreItems(t, dir, DiskOptions{Sync: true}, shut...).fine(t)

	o := restoreItems(t, dir, DiskOptions{}, item{key: "dev", entry: format.Entry{Type: format.TypeCharDevice, Rdev: 1<<32 | 3}})
	if !errors.Is(o.errs["dev"], os.ErrPermission) {
		t.Errorf("device: %v", o.errs["dev"])
	}
}
