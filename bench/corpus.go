package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// corpus is something to back up, in two states that differ in little.
//
// Its folder holds tree, which is backed up, and aside, which holds what the
// other state has instead. Going from one to the other and back renames files
// between the two, so that files in common stay the very same files.
type corpus struct {
	Name   string  `json:"name"`
	Scale  float64 `json:"scale"`
	Files  int     `json:"files"`
	Bytes  int64   `json:"bytes"`
	Digest string  `json:"digest"` // of names and content of the first state
	Change string  `json:"change"` // what the second state differs in, for people

	Swaps   []string `json:"swaps"` // paths that differ
	Changed bool     `json:"changed"`

	folder string
}

// The corpora: small real files, large files, a dump of a database, and, only when asked for, very
// many tiny files, to see what a number of files costs.
var (
	corpusNames  = list{"small", "large", "dump", "many"}
	usualCorpora = list{"small", "large", "dump"}
)

// builders make the folder of a corpus and fill in what it holds.
var builders = map[string]func(context.Context, *corpus) error{"small": buildSmall, "large": buildLarge, "dump": buildDump, "many": buildMany}

func (c *corpus) tree() string  { return filepath.Join(c.folder, "tree") }
func (c *corpus) aside() string { return filepath.Join(c.folder, "aside") }

// card is the file that says what a folder holds. It is there only when the
// folder is whole.
func (c *corpus) card() string { return filepath.Join(c.folder, "corpus.json") }

// openCorpus returns a corpus in its first state, built if need be by a
// process of its own, so that this one stays small; see measure.
func openCorpus(ctx context.Context, name, work string, scale float64) (*corpus, error) {
	c, err := readCorpus(name, work, scale)
	if errors.Is(err, fs.ErrNotExist) {
		progress("building corpus %s", name)
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		build := exec.CommandContext(ctx, self, "-build-corpus", name, "-work", work, "-scale", fmt.Sprint(scale))
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return nil, err
		}
		if c, err = readCorpus(name, work, scale); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	progress("corpus %s: %d files, %.2f GB, digest %s", name, c.Files, float64(c.Bytes)/1e9, c.Digest)
	return c, c.change(false)
}

func corpusFolder(name, work string, scale float64) string {
	return filepath.Join(work, fmt.Sprintf("corpus-%s-%g", name, scale))
}

func readCorpus(name, work string, scale float64) (*corpus, error) {
	c := &corpus{folder: corpusFolder(name, work, scale)}
	text, err := os.ReadFile(c.card())
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, c); err != nil {
		return nil, fmt.Errorf("read %s: %w", c.card(), err)
	}
	return c, nil
}

// buildCorpus builds a corpus from nothing.
func buildCorpus(ctx context.Context, name, work string, scale float64) error {
	build, ok := builders[name]
	if !ok || work == "" {
		return fmt.Errorf("-build-corpus needs one of %s, and -work", corpusNames.String())
	}
	c := &corpus{Name: name, Scale: scale, folder: corpusFolder(name, work, scale)}
	if err := os.RemoveAll(c.folder); err != nil {
		return err
	}
	if err := os.MkdirAll(c.aside(), 0o755); err != nil {
		return err
	}
	if err := build(ctx, c); err != nil {
		return errors.Join(err, os.RemoveAll(c.folder))
	}
	return c.save()
}

func (c *corpus) save() error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(c.card(), text, 0o644)
}

// change brings the corpus into its second state, or back into its first.
func (c *corpus) change(to bool) error {
	if c.Changed == to {
		return nil
	}
	if err := os.Remove(c.card()); err != nil { // a break leaves a folder to be built anew
		return err
	}
	for _, path := range c.Swaps {
		if err := swap(filepath.Join(c.tree(), path), filepath.Join(c.aside(), path)); err != nil {
			return fmt.Errorf("change corpus: %w", err)
		}
		for up := filepath.Dir(path); up != "."; up = filepath.Dir(up) {
			if os.Remove(filepath.Join(c.tree(), up)) != nil { // it is not empty
				break
			}
		}
	}
	c.Changed = to
	return c.save()
}

// swap exchanges two files, either of which may be absent.
func swap(a, b string) error {
	spare := b + ".swap"
	for _, move := range [][2]string{{a, spare}, {b, a}, {spare, b}} {
		if err := os.MkdirAll(filepath.Dir(move[1]), 0o755); err != nil {
			return err
		}
		if err := os.Rename(move[0], move[1]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// goPaths returns the toolchain's folder and the module cache.
func goPaths(ctx context.Context) ([]string, error) {
	output, err := exec.CommandContext(ctx, "go", "env", "GOROOT", "GOMODCACHE").Output()
	if err != nil {
		return nil, fmt.Errorf("find the Go toolchain: %w", err)
	}
	return strings.Fields(string(output)), nil
}
