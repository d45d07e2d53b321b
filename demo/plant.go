package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// planted is the time that things without one of their own get, to the
// nanosecond. Two calls of plant make the same tree.
var planted = time.Date(2024, 2, 29, 12, 34, 56, 123_456_789, time.UTC)

// plant makes the tree to back up: a private copy of the toolchain's sources
// and one of each thing that a Unix file system can hold.
func plant(ctx context.Context, tree string) error {
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("find the Go toolchain: %w", err)
	}
	from := filepath.Join(strings.TrimSpace(string(goroot)), "src")
	if err := copyTree(ctx, from, filepath.Join(tree, "src")); err != nil {
		return fmt.Errorf("copy the toolchain's sources: %w", err)
	}
	if err := plantOddities(filepath.Join(tree, "odd")); err != nil {
		return fmt.Errorf("make odd files: %w", err)
	}
	return settle(tree)
}

// copyTree copies folders, files and links with modes and times.
func copyTree(ctx context.Context, from, to string) error {
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		below, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return copyEntry(name, filepath.Join(to, below), info)
	})
}

func copyEntry(from, to string, info fs.FileInfo) error {
	switch info.Mode().Type() {
	case fs.ModeDir:
		return os.MkdirAll(to, 0o755)
	case fs.ModeSymlink:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case 0:
		content, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o200 // so that it can be changed
		if err := os.WriteFile(to, content, mode); err != nil {
			return err
		}
		if err := os.Chmod(to, mode); err != nil {
			return err
		}
		return os.Chtimes(to, info.ModTime(), info.ModTime())
	}
	return nil
}

// plantOddities makes what a copy of sources does not have.
func plantOddities(folder string) error {
	at := func(name string) string { return filepath.Join(folder, name) }
	if err := os.MkdirAll(at("empty folder"), 0o750); err != nil {
		return err
	}
	for name, mode := range map[string]fs.FileMode{
		"private": 0o600, "program": 0o755, "setgid": 0o755 | fs.ModeSetgid, "empty": 0o644,
		"name with spaces, 'quotes' and ünïcödé": 0o644,
	} {
		content := []byte(strings.Repeat("odd file "+name+"\n", 100))
		if name == "empty" {
			content = nil
		}
		if err := os.WriteFile(at(name), content, 0o600); err != nil {
			return err
		}
		if err := os.Chmod(at(name), mode); err != nil {
			return err
		}
	}
	if err := os.Link(at("private"), at("hard link to private")); err != nil {
		return err
	}
	for name, target := range map[string]string{"link": "program", "dangling link": "../nowhere"} {
		if err := os.Symlink(target, at(name)); err != nil {
			return err
		}
	}
	if err := sparse(at("sparse")); err != nil {
		return err
	}
	return plantForSystem(folder)
}

// sparse makes a file of 8 MiB with little in it.
func sparse(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("an island in a sea of zeros"), 5<<20); err != nil {
		return err
	}
	return f.Truncate(8 << 20)
}

// settle gives folders and odd files their times, the deepest first.
func settle(tree string) error {
	var names []string
	err := filepath.WalkDir(tree, func(name string, entry fs.DirEntry, err error) error {
		odd := strings.HasPrefix(name, filepath.Join(tree, "odd"))
		if err == nil && (entry.IsDir() || odd && entry.Type()&fs.ModeSymlink == 0) {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	for i := len(names) - 1; i >= 0; i-- {
		if err := os.Chtimes(names[i], planted, planted); err != nil {
			return err
		}
	}
	return nil
}
