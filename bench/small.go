package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// smallFiles is the number of files at scale 1.
const smallFiles = 60_000

// Shares of files that differ in the second state.
const (
	editedShare  = 0.01
	newShare     = 0.005
	removedShare = 0.005
)

// stamp is the time all files of a corpus have.
var stamp = time.Date(2025, 1, 2, 3, 4, 5, 678_901_234, time.UTC)

// buildSmall fills a corpus with small real files. In its second state some
// are edited, some new, some gone.
func buildSmall(ctx context.Context, c *corpus) error {
	want := max(int(smallFiles*c.Scale), 200)
	spare := int(float64(want) * newShare)
	digest := sha256.New()
	var paths []string
	for t, err := range texts(ctx) {
		if err != nil {
			return err
		}
		if len(paths) < want {
			if err := put(filepath.Join(c.tree(), t.path), t); err != nil {
				return err
			}
			paths = append(paths, t.path)
			c.Files++
			c.Bytes += int64(len(t.content))
			fmt.Fprintf(digest, "%s\x00%x\n", t.path, t.hash)
			continue
		}
		if len(c.Swaps) == spare {
			break
		}
		if err := put(filepath.Join(c.aside(), t.path), t); err != nil { // new in the second state
			return err
		}
		c.Swaps = append(c.Swaps, t.path)
	}
	if len(c.Swaps) < spare {
		progress("only %d different texts on this machine: corpus small is smaller than %d files", len(paths), want)
	}
	c.Digest = hex.EncodeToString(digest.Sum(nil)[:6])

	random := rand.New(rand.NewPCG(1, uint64(want)))
	chosen := random.Perm(len(paths))
	edited, removed := int(float64(len(paths))*editedShare), int(float64(len(paths))*removedShare)
	for _, i := range chosen[:edited] {
		if err := edit(c, paths[i], random); err != nil {
			return err
		}
	}
	for _, i := range chosen[edited : edited+removed] { // nothing aside: gone in the second state
		c.Swaps = append(c.Swaps, paths[i])
	}
	c.Change = fmt.Sprintf("%d files edited, %d new, %d removed", edited, len(c.Swaps)-edited-removed, removed)
	slices.Sort(c.Swaps)
	return nil
}

// edit puts a file aside with a line more somewhere.
func edit(c *corpus, path string, random *rand.Rand) error {
	name := filepath.Join(c.tree(), path)
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	at := random.IntN(len(content))
	content = slices.Insert(content, at, []byte(fmt.Sprintf("\n// line %d is new\n", random.Uint32()))...)
	c.Swaps = append(c.Swaps, path)
	return put(filepath.Join(c.aside(), path), text{content: content, mode: info.Mode()})
}

func put(name string, t text) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(name, t.content, t.mode); err != nil {
		return err
	}
	return os.Chtimes(name, stamp, stamp)
}
