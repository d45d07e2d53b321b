package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// change does to a tree what people do, and says what it did.
func change(tree string) (string, error) {
	src := filepath.Join(tree, "src")
	var edited, removed, added int
	number := 0
	err := filepath.WalkDir(src, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		number++
		switch {
		case number%100 == 0:
			edited++
			return edit(name)
		case number%400 == 1:
			removed++
			return os.Remove(name)
		case number%400 == 2:
			added++
			return os.WriteFile(name+".new", []byte(strings.Repeat("something new in "+name+"\n", 200)), 0o644)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if err := os.Rename(filepath.Join(src, "strings"), filepath.Join(src, "renamed-strings")); err != nil {
		return "", err
	}
	if err := os.Chmod(filepath.Join(tree, "odd", "private"), 0o640); err != nil {
		return "", err
	}
	return fmt.Sprintf("  %d files edited, %d removed, %d new, a folder renamed, a mode changed", edited, removed, added), nil
}

// edit puts a line into the middle of a file.
func edit(name string) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	half := len(content) / 2
	edited := string(content[:half]) + "\n// edited\n" + string(content[half:])
	return os.WriteFile(name, []byte(edited), 0o644)
}
