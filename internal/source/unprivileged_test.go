//go:build linux

package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// unprivileged is what the test binary does when it is started as nobody: it
// walks, reads and prints.
func unprivileged(root string) int {
	f, err := NewFiles([]string{root}, FilesOptions{})
	if err != nil {
		fmt.Println("new:", err)
		return 1
	}
	defer f.Close()
	for item, err := range f.Walk(context.Background()) {
		if err != nil {
			fmt.Println("walk:", err)
			return 1
		}
		state := "ok"
		switch {
		case errors.Is(item.Err, fs.ErrPermission):
			state = "denied"
		case item.Err != nil:
			state = item.Err.Error()
		}
		if item.Entry == nil {
			state += " bare"
		}
		if strings.HasSuffix(item.Path, ".txt") {
			_, small := f.ReadSmall(item, make([]byte, 100))
			_, large := f.Open(item)
			state += fmt.Sprintf(" %v %v", errors.Is(small, fs.ErrPermission), errors.Is(large, fs.ErrPermission))
		}
		if rest, ok := strings.CutPrefix(item.Path, root+"/"); ok {
			fmt.Println(rest, state)
		}
	}
	return 0
}

func TestUnprivileged(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	root := t.TempDir()
	for path := root; path != "/"; path = path[:max(1, strings.LastIndexByte(path, '/'))] {
		if path == os.TempDir() {
			break
		}
		must(t, os.Chmod(path, 0o711)) // the way leads through directories that cannot be listed
	}
	must(t, os.Chmod(root, 0o755))
	write(t, "x", root, "open/readable.txt")
	write(t, "x", root, "open/secret.txt")
	write(t, "x", root, "unlisted/inside.txt")
	write(t, "x", root, "unsearched/inside.txt")
	write(t, "x", root, "z.txt")
	must(t, os.Chmod(root+"/open/secret.txt", 0o600))
	must(t, os.Chmod(root+"/unlisted", 0o711))
	must(t, os.Chmod(root+"/unsearched", 0o744))

	program := t.TempDir() + "/test"
	binary, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Skip(err)
	}
	must(t, os.WriteFile(program, binary, 0o755))
	for path := program[:strings.LastIndexByte(program, '/')]; path != os.TempDir() && path != ""; path = path[:strings.LastIndexByte(path, '/')] {
		must(t, os.Chmod(path, 0o755))
	}
	cmd := exec.Command(program)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "FIRN_SOURCE_TEST="+root)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	same(t, strings.Split(strings.TrimSpace(string(out)), "\n"), []string{
		"open ok",
		"open/readable.txt ok false false",
		"open/secret.txt ok true true",
		"unlisted denied",
		"unsearched ok",
		"unsearched/inside.txt denied bare false false",
		"z.txt ok false false",
	})
}
