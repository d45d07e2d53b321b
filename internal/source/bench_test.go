//go:build linux

package source

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"firn/internal/format"
)

// benchTree makes some 20,000 small files in 2,000 directories, spread like a tree of program sources.
func benchTree(b *testing.B) string {
	root := b.TempDir()
	body := []byte(strings.Repeat("package source\n", 200))
	for d := range 2000 {
		dir := fmt.Sprintf("%s/pkg%d/sub%d/part%d", root, d%40, d%400, d)
		must(b, os.MkdirAll(dir, 0o755))
		for i := range 10 {
			must(b, os.WriteFile(fmt.Sprintf("%s/some_name_%d.go", dir, i), body[:(d*31+i*97)%len(body)], 0o644))
		}
	}
	return root
}

// cpuTime returns the processor time spent so far, in nanoseconds.
func cpuTime(b *testing.B) int64 {
	var u unix.Rusage
	must(b, unix.Getrusage(unix.RUSAGE_SELF, &u))
	return u.Utime.Nano() + u.Stime.Nano()
}

func BenchmarkWalk(b *testing.B) {
	root := benchTree(b)
	for _, parallel := range []int{1, 2, 4} {
		b.Run(fmt.Sprint(parallel), func(b *testing.B) {
			b.ReportAllocs()
			items := 0
			before := cpuTime(b)
			for b.Loop() {
				f, err := NewFiles([]string{root}, FilesOptions{Parallel: parallel})
				must(b, err)
				for _, err := range f.Walk(context.Background()) {
					must(b, err)
					items++
				}
				must(b, f.Close())
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(items), "ns/item")
			b.ReportMetric(float64(cpuTime(b)-before)/float64(items), "cpu-ns/item")
		})
	}
	b.Run("WalkDir", func(b *testing.B) {
		b.ReportAllocs()
		before := cpuTime(b)
		rounds := 0
		for b.Loop() {
			rounds++
			must(b, filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
				if err == nil {
					_, err = d.Info()
				}
				return err
			}))
		}
		b.ReportMetric(float64(cpuTime(b)-before)/float64(rounds*22_440), "cpu-ns/item")
	})
}

func BenchmarkReadSmall(b *testing.B) {
	root := benchTree(b)
	f, err := NewFiles([]string{root}, FilesOptions{})
	must(b, err)
	defer f.Close()
	var items []*Item
	for item, err := range f.Walk(context.Background()) {
		must(b, err)
		if item.Entry.Type == format.TypeFile {
			items = append(items, item)
		}
	}
	buf := make([]byte, 16<<10)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		_, err := f.ReadSmall(items[i%len(items)], buf)
		must(b, err)
		i++
	}
}
