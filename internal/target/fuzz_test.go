//go:build linux || darwin

package target

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"firn/internal/format"
)

// FuzzKey checks that a key which is taken means a path below the target.
func FuzzKey(f *testing.F) {
	for _, key := range []string{"a", "a/", "a/b", "../a", "a/..", "a//b", "/a", "", ".", "a\x00", "\xff", "a/./b/"} {
		f.Add([]byte(key), false)
		f.Add([]byte(key), true)
	}
	f.Fuzz(func(t *testing.T, key []byte, directory bool) {
		err := checkKey(key, directory)
		path := string(key)
		if directory {
			path = strings.TrimSuffix(path, "/")
		}
		local := filepath.IsLocal(path) && filepath.Clean(path) == path && path != "." && strings.IndexByte(path, 0) < 0 &&
			len(key) <= maxKey && strings.Count(path, "/") < maxDepth && (!directory || bytes.HasSuffix(key, slash))
		if local != (err == nil) {
			t.Fatalf("%q, directory %v: %v", key, directory, err)
		}
		if err == nil {
			parent, name := splitKey(key)
			if !bytes.Equal(append(slices.Clone(parent), name...), bytes.TrimSuffix(key, slash)) || bytes.IndexByte(name, '/') >= 0 {
				t.Fatalf("%q divided into %q and %q", key, parent, name)
			}
		}
	})
}

// FuzzRestore restores trees made of arbitrary keys, types and link targets
// in an arbitrary order of calls, and looks at what is outside.
func FuzzRestore(f *testing.F) {
	f.Add([]byte("a\x03../o\n a\x01x\na/f\x01x"), uint8(0))
	f.Add([]byte("a\x03..\na/o\x03../../o\na/o/f\x01"), uint8(1))
	f.Add([]byte("d/\x02\nd/..\x01x\nd/l\x03/\nd/l/f\x01"), uint8(2))
	f.Add([]byte("l\x01\nl/\x02\nl/x\x06"), uint8(7))
	f.Fuzz(func(t *testing.T, program []byte, how uint8) {
		base := t.TempDir()
		put(t, base, "o", "o/f = keep", "t", "t/in -> ../o", "t/d", "t/d/in -> ../../o/f")
		d, err := NewDisk(filepath.Join(base, "t"), DiskOptions{Overwrite: OverwriteMode(how % 4), DeleteExtra: how&4 != 0})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		for i, line := range bytes.Split(program, []byte("\n")) {
			if i == 30 {
				break
			}
			fuzzStep(d, line, how)
		}
		if err := d.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantTree(t, filepath.Join(base, "o"), "f = keep")
		entries, err := os.ReadDir(base)
		if err != nil || len(entries) != 2 {
			t.Fatalf("beside the target: %v, %v", entries, err)
		}
	})
}

// fuzzStep reads a line as key, type byte, content or link target.
func fuzzStep(d *Disk, line []byte, how uint8) {
	cut := bytes.IndexFunc(line, func(r rune) bool { return r > 0 && r < 10 })
	if cut < 0 {
		return
	}
	key, rest := line[:cut], line[cut+1:]
	e := format.Entry{Type: uint32(line[cut]), Mode: 0o700, Size: uint64(len(rest)), Target: rest, Links: uint64(how>>3) % 3, MTime: 5e9}
	if e.Type == format.TypeCharDevice || e.Type == format.TypeBlockDev {
		return
	}
	plan, err := d.Prepare(key, &e)
	if err == nil && plan.Action == Skip && how&64 == 0 {
		return
	}
	// Whatever Prepare has said: errors are fine, harm is not.
	_ = d.WriteFile(key, &e, rest)
	_ = d.MakeOther(key, &e)
	if f, err := d.Create(key, &e); err == nil {
		_, _ = f.WriteAt(rest, 0)
		_ = f.Commit()
	}
	_ = d.Keep(key, &e)
}

// TestWriteRuns checks that runs add up to the content.
func TestWriteRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var content []byte
		for range rapid.IntRange(0, 6).Draw(t, "parts") {
			n := rapid.SampledFrom([]int{1, 100, 4095, 4096, 4097, 9000}).Draw(t, "length")
			content = append(content, bytes.Repeat([]byte{rapid.SampledFrom([]byte{0, 0, 1}).Draw(t, "byte")}, n)...)
		}
		off := rapid.Int64Range(0, 10000).Draw(t, "offset")
		got, at := make([]byte, len(content)), off
		err := writeRuns(content, off, func(p []byte, where int64) error {
			if where != at {
				t.Fatalf("written at %d, want %d", where, at)
			}
			copy(got[where-off:], p)
			at += int64(len(p))
			return nil
		}, func(where, n int64) error {
			if where != at || n < holeSize || where%holeSize != 0 || n%holeSize != 0 {
				t.Fatalf("hole of %d at %d, want it at %d", n, where, at)
			}
			at += n
			return nil
		})
		if err != nil || at != off+int64(len(content)) || !bytes.Equal(got, content) {
			t.Fatalf("runs end at %d of %d: %v", at-off, len(content), err)
		}
	})
}

// TestSequence compares the search for collisions with a plain one.
func TestSequence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-b\-.]{1,3}(/[a-b\-.]{1,2})?/?`), 1, 20, rapid.ID[string]).Draw(t, "keys")
		slices.Sort(keys)
		var s sequence
		files := map[string]bool{}
		told := map[string]bool{}
		for _, key := range keys {
			directory := strings.HasSuffix(key, "/")
			collision, err := s.next([]byte(key), directory)
			if err != nil {
				t.Fatal(err)
			}
			if collision != nil {
				told[string(collision)] = true
			}
			for i := range key {
				if key[i] == '/' && files[key[:i]] && !told[key[:i]] {
					t.Fatalf("%q below the file %q was not told", key, key[:i])
				}
			}
			if collision != nil && !files[string(collision)] {
				t.Fatalf("%q is no file", collision)
			}
			if !directory {
				files[key] = true
			}
		}
	})
}
