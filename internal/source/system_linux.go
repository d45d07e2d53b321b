package source

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	openSearchFlags = unix.O_PATH
	quietFlag       = unix.O_NOATIME
)

// listBuffers hold what one getdents64 call returns.
var listBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// list appends the names in the directory to dst, in no order; after an error
// those read before it. The handle must come from openList.
func (h handle) list(dst []listed) ([]listed, error) {
	buf := listBuffers.Get().(*[64 << 10]byte)
	defer listBuffers.Put(buf)
	for {
		var n int
		err := again(func() (err error) {
			n, err = unix.Getdents(int(h), buf[:])
			return err
		})
		if err != nil {
			return dst, err
		}
		if n == 0 {
			return dst, nil
		}
		dst = h.appendListed(dst, buf[:n])
	}
}

// appendListed takes apart a buffer of struct linux_dirent64 (getdents64(2)):
// inode 8 bytes, offset 8, record length 2, type 1, name and a zero byte. The
// names are packed in place and share one string, as there may be millions.
func (h handle) appendListed(dst []listed, buf []byte) []listed {
	const header = 19
	first, packed := len(dst), buf[:0]
	for at := 0; at+header < len(buf); {
		length := int(binary.NativeEndian.Uint16(buf[at+16:]))
		if length <= header || at+length > len(buf) {
			break
		}
		kind := kindOf(uint32(buf[at+18]) << 12) // a DT_ constant is the type bits of a mode
		name, _, _ := bytes.Cut(buf[at+header:at+length], []byte{0})
		at += length
		if len(name) == 0 || string(name) == "." || string(name) == ".." {
			continue
		}
		dst = append(dst, listed{kind: kind})
		packed = append(append(packed, name...), 0)
	}
	text := string(packed)
	for i := first; i < len(dst); i++ {
		l := &dst[i]
		l.name, text, _ = strings.Cut(text, "\x00")
		if l.kind == 0 { // the file system does not say
			var s stat
			if h.lstat(l.name, false, &s) == nil {
				l.kind = s.kind
			}
		}
	}
	return dst
}

// pseudoTypes are the file systems that hold no data of their own, by the
// magic number statfs(2) returns; what is mounted is left out, the directory kept.
var pseudoTypes = map[int64]string{
	0x0187:                     "autofs",
	unix.BINDERFS_SUPER_MAGIC:  "binder",
	unix.BINFMTFS_MAGIC:        "binfmt_misc",
	unix.BPF_FS_MAGIC:          "bpf",
	unix.CGROUP_SUPER_MAGIC:    "cgroup",
	unix.CGROUP2_SUPER_MAGIC:   "cgroup2",
	0x62656570:                 "configfs",
	unix.DEBUGFS_MAGIC:         "debugfs",
	unix.DEVPTS_SUPER_MAGIC:    "devpts",
	unix.EFIVARFS_MAGIC:        "efivarfs",
	0x65735543:                 "fusectl",
	unix.HUGETLBFS_MAGIC:       "hugetlbfs",
	0x19800202:                 "mqueue",
	0x6e667364:                 "nfsd",
	unix.NSFS_MAGIC:            "nsfs",
	unix.OPENPROM_SUPER_MAGIC:  "openpromfs",
	unix.PROC_SUPER_MAGIC:      "proc",
	unix.PSTOREFS_MAGIC:        "pstore",
	unix.RDTGROUP_SUPER_MAGIC:  "resctrl",
	0x67596969:                 "rpc_pipefs",
	unix.SECURITYFS_MAGIC:      "securityfs",
	unix.SELINUX_MAGIC:         "selinuxfs",
	unix.SMACK_MAGIC:           "smackfs",
	unix.SYSFS_MAGIC:           "sysfs",
	unix.TRACEFS_MAGIC:         "tracefs",
	unix.USBDEVICE_SUPER_MAGIC: "usbdevfs",
	unix.XENFS_SUPER_MAGIC:     "xenfs",
}

// pseudo names the pseudo file system mounted at name in h, "" when it is none.
// tmpfs (which devtmpfs is as well) counts as one at and below /dev and /run.
func (h handle) pseudo(name, path string) (string, error) {
	fd, err := openAt(h, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	if err != nil {
		return "", fmt.Errorf("open mount point: %w", err)
	}
	defer handle(fd).close()
	var fs unix.Statfs_t
	if err := again(func() error { return unix.Fstatfs(fd, &fs) }); err != nil {
		return "", fmt.Errorf("read file system type: %w", err)
	}
	if int64(uint32(fs.Type)) == unix.TMPFS_MAGIC {
		for _, top := range []string{"/dev", "/run"} {
			if path == top || strings.HasPrefix(path, top+"/") {
				return "tmpfs", nil
			}
		}
	}
	return pseudoTypes[int64(uint32(fs.Type))], nil
}
