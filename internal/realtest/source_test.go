//go:build unix

package realtest

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// contents that all hosts draw their files from, so that they share chunks; the large
// ones are edited, so that sessions write deltas on them.
const (
	contents     = 60
	smallContent = 60_000 // bytes at most
	largeContent = 600_000
	largeFrom    = 54 // the number of the first large one
)

// content returns the bytes of a numbered content, the same in every run of a seed.
func content(seed uint64, number int) []byte {
	random := rand.NewChaCha8([32]byte{byte(number), byte(seed), byte(seed >> 8), byte(seed >> 16)})
	size := 1 + int(random.Uint64()%smallContent)
	if number >= largeFrom {
		size = largeContent + number
	}
	body := make([]byte, size)
	_, _ = random.Read(body) // never fails
	for i := 0; i+8 < size; i += 16 {
		copy(body[i:], "snowfall") // it can be compressed
	}
	return body
}

// sourceTree is a host's source: what changes between backups, and what changes while
// they run.
type sourceTree struct {
	folder string
	seed   uint64
}

func (s sourceTree) steady() string { return filepath.Join(s.folder, "steady") }
func (s sourceTree) live() string   { return filepath.Join(s.folder, "live") }

// change writes, edits and removes some files.
func (s sourceTree) change(random *rand.Rand) error {
	for range 2 + random.IntN(6) {
		name := filepath.Join(s.steady(), fmt.Sprintf("%c/%02d", 'a'+rune(random.IntN(4)), random.IntN(12)))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		var err error
		switch random.IntN(8) {
		case 0:
			err = os.Remove(name)
		case 1:
			err = edit(name, random)
		default:
			err = os.WriteFile(name, content(s.seed, random.IntN(contents)), 0o600|fs.FileMode(random.IntN(0o100)))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// edit changes a few bytes of a file in place.
func edit(name string, random *rand.Rand) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	for range 1 + random.IntN(4) {
		if _, err := f.WriteAt([]byte(fmt.Sprint(random.Uint64())), random.Int64N(info.Size()+1)); err != nil {
			return err
		}
	}
	return f.Sync()
}

// stir changes files in the live part until told to stop.
func (s sourceTree) stir(stop <-chan struct{}, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 5))
	if err := os.MkdirAll(s.live(), 0o755); err != nil {
		return err
	}
	for {
		select {
		case <-stop:
			return nil
		case <-time.After(time.Duration(1+random.IntN(20)) * time.Millisecond):
		}
		name := filepath.Join(s.live(), fmt.Sprint(random.IntN(6)))
		if err := os.WriteFile(name, content(s.seed, random.IntN(contents)), 0o600); err != nil {
			return err
		}
	}
}
