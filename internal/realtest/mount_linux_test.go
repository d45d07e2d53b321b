package realtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// volume is a small real file system.
type volume struct {
	t      *testing.T
	path   string   // where it is mounted
	device string   // "" if it is in memory
	mount  []string // command that mounts it
}

// volumes are the file systems that can be made, with how many MiB they have.
var volumes = map[string]func(t *testing.T, size string) *volume{
	"tmpfs": func(t *testing.T, size string) *volume {
		v := &volume{t: t, path: t.TempDir()}
		return v.with("mount", "-t", "tmpfs", "-o", "size="+size, "firn-test", v.path)
	},
	"ext4": func(t *testing.T, size string) *volume {
		v := onDevice(t, size, "mkfs.ext4", "-q", "-m", "0")
		return v.with("mount", "-t", "ext4", v.device, v.path)
	},
	// Neither hard links nor names that differ in case only.
	"vfat": func(t *testing.T, size string) *volume {
		v := onDevice(t, size, "mkfs.vfat", "-F", "32")
		return v.with("mount", "-t", "vfat", v.device, v.path)
	},
	"exfat": func(t *testing.T, size string) *volume {
		v := onDevice(t, size, "mkfs.exfat")
		return v.with("mount.exfat-fuse", v.device, v.path)
	},
	// Only folders marked so take names without regard to case.
	"ext4 ignoring case": func(t *testing.T, size string) *volume {
		v := onDevice(t, size, "mkfs.ext4", "-q", "-m", "0", "-O", "casefold", "-E", "encoding=utf8")
		v.with("mount", "-t", "ext4", v.device, v.path)
		v.must("chattr", "+F", v.path)
		return v
	},
}

// newVolume makes and mounts a file system; the test is skipped where that is not possible.
func newVolume(t *testing.T, kind, size string) *volume {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount file systems")
	}
	return volumes[kind](t, size)
}

// onDevice makes a file system in a file behind a loop device.
func onDevice(t *testing.T, size string, make ...string) *volume {
	t.Helper()
	v := &volume{t: t, path: t.TempDir()}
	image := filepath.Join(t.TempDir(), "image")
	v.need("truncate", "-s", size, image)
	v.need(make[0], append(make[1:], image)...)
	v.device = strings.TrimSpace(v.need("losetup", "--show", "-f", image))
	t.Cleanup(func() { v.must("losetup", "-d", v.device) })
	return v
}

// need runs a command without which the test cannot run here.
func (v *volume) need(name string, args ...string) string {
	v.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		v.t.Skipf("this system cannot do %s %s: %v %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// must runs a command that works where the volume could be made.
func (v *volume) must(name string, args ...string) {
	v.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		v.t.Errorf("%s %s: %v %s", name, strings.Join(args, " "), err, out)
	}
}

// with mounts the volume by a command, and unmounts it when the test is over.
func (v *volume) with(mount ...string) *volume {
	v.t.Helper()
	v.need(mount[0], mount[1:]...)
	v.mount = mount
	v.t.Cleanup(func() {
		if v.mounted() {
			v.must("umount", "-l", v.path)
		}
	})
	return v
}

// mounted reports whether the volume's folder is on another file system than the one above.
func (v *volume) mounted() bool {
	var here, above unix.Stat_t
	return unix.Stat(v.path, &here) == nil && unix.Stat(filepath.Dir(v.path), &above) == nil && here.Dev != above.Dev
}

// again unmounts a file system and mounts it anew.
func (v *volume) again() {
	v.t.Helper()
	if v.mounted() {
		v.must("umount", v.path)
	}
	v.must(v.mount[0], v.mount[1:]...)
}

// cut takes the power away: from now on nothing is written any more, and what was not
// on the device is lost when it is mounted again.
func (v *volume) cut() {
	v.t.Helper()
	f, err := os.Open(v.path)
	if err != nil {
		v.t.Error(err)
		return
	}
	defer f.Close()
	const shutdown, withoutFlush = 0x8004587d, 2 // FS_IOC_SHUTDOWN
	if err := unix.IoctlSetPointerInt(int(f.Fd()), shutdown, withoutFlush); err != nil {
		v.t.Skipf("this system cannot stop a file system at once: %v", err)
	}
}

// fill leaves no room at all, by a file that is no object.
func (v *volume) fill() {
	v.t.Helper()
	f, err := os.Create(filepath.Join(v.path, "other-data"))
	if err != nil {
		v.t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

// free returns the bytes that are left.
func (v *volume) free() int64 {
	v.t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(v.path, &s); err != nil {
		v.t.Fatal(err)
	}
	return int64(s.Bavail) * s.Bsize
}
