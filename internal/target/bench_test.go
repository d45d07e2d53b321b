package target

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"firn/internal/format"
)

// benchDir is in memory where the system has such a place.
func benchDir(b *testing.B) string {
	dir, err := os.MkdirTemp("/dev/shm", "firn")
	if err != nil {
		return b.TempDir()
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

const benchFiles, benchFolder = 20000, 40 // files in all, and in each directory

type benchEntry struct {
	key   []byte
	entry *format.Entry
}

func benchTree() (list []benchEntry, content []byte) {
	content = make([]byte, 4000)
	for i := range content {
		content[i] = byte(i*7 + 1)
	}
	owner := func(e *format.Entry) *format.Entry {
		e.UID, e.GID, e.MTime, e.MTimeNS = uint64(os.Getuid()), uint64(os.Getgid()), 1e9, 5
		return e
	}
	for d := range benchFiles / benchFolder {
		dir := fmt.Sprintf("d%05d/", d)
		list = append(list, benchEntry{[]byte(dir), owner(&format.Entry{Type: format.TypeDirectory, Mode: 0o755})})
		for f := range benchFolder {
			e := owner(&format.Entry{Type: format.TypeFile, Mode: 0o644, Size: uint64(len(content))})
			list = append(list, benchEntry{fmt.Appendf(nil, "%sfile%05d.go", dir, f), e})
		}
	}
	return list, content
}

// BenchmarkWriteFile restores small files through Disk.
func BenchmarkWriteFile(b *testing.B) {
	list, content := benchTree()
	for _, mode := range []OverwriteMode{OverwriteAlways, OverwriteNever} {
		b.Run(mode.String(), func(b *testing.B) {
			b.ReportAllocs()
			for n := range b.N {
				dir := filepath.Join(benchDir(b), fmt.Sprint(n))
				d, err := NewDisk(dir, DiskOptions{Overwrite: mode, Owner: os.Geteuid() == 0, Xattrs: true})
				if err != nil {
					b.Fatal(err)
				}
				for _, x := range list {
					plan, err := d.Prepare(x.key, x.entry)
					if err != nil {
						b.Fatal(err)
					}
					if plan.Action == Write {
						err = d.WriteFile(x.key, x.entry, content)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
				if err := d.Finish(context.Background()); err != nil {
					b.Fatal(err)
				}
				d.Close()
				b.StopTimer()
				os.RemoveAll(dir)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*benchFiles), "µs/file")
		})
	}
}

// BenchmarkSystem is what the same costs with the os package and no care.
func BenchmarkSystem(b *testing.B) {
	list, content := benchTree()
	for n := range b.N {
		dir := filepath.Join(benchDir(b), fmt.Sprint(n))
		for _, x := range list {
			path := filepath.Join(dir, string(x.key))
			var err error
			if x.entry.Type == format.TypeDirectory {
				err = os.MkdirAll(path, 0o755)
			} else {
				err = os.WriteFile(path, content, 0o644)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		os.RemoveAll(dir)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*benchFiles), "µs/file")
}
