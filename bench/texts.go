package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
)

// Sizes of files that count as small.
const (
	smallest = 512
	largest  = 2 << 20
)

// text is a real file.
type text struct {
	path    string // relative, unique
	content []byte
	hash    [sha256.Size]byte
	mode    fs.FileMode
}

// texts yields the text files that are on about every machine with Go, each
// content once, in the same order every time: the toolchain, the module cache,
// headers, documentation, scripts. What cannot be read is passed over.
func texts(ctx context.Context) iter.Seq2[text, error] {
	return func(yield func(text, error) bool) {
		roots, err := goPaths(ctx)
		if err != nil {
			yield(text{}, err)
			return
		}
		roots = append(roots, "/usr/include", "/usr/share", "/usr/lib")
		seen := map[[sha256.Size]byte]bool{}
		enough := false
		for _, root := range roots {
			err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
				switch {
				case ctx.Err() != nil:
					return ctx.Err()
				case err != nil:
					return nil
				case entry.IsDir() && filepath.Base(filepath.Dir(name)) == "mod" && entry.Name() == "cache":
					return fs.SkipDir // archives of what is beside it
				}
				t, ok := readText(name, entry)
				if !ok || seen[t.hash] {
					return nil
				}
				seen[t.hash] = true
				if !yield(t, nil) {
					enough = true
					return fs.SkipAll
				}
				return nil
			})
			if enough {
				return
			}
			if err != nil {
				yield(text{}, err)
				return
			}
		}
	}
}

func readText(name string, entry fs.DirEntry) (text, bool) {
	if !entry.Type().IsRegular() {
		return text{}, false
	}
	info, err := entry.Info()
	if err != nil || info.Size() < smallest || info.Size() > largest {
		return text{}, false
	}
	content, err := os.ReadFile(name)
	if err != nil || bytes.IndexByte(content[:min(len(content), 8000)], 0) >= 0 {
		return text{}, false
	}
	return text{name[1:], content, sha256.Sum256(content), info.Mode().Perm() | 0o200}, true
}
