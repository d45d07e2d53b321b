package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// corpus is a folder to back up.
type corpus struct {
	name   string
	folder string
	steps  []string
}

// The corpora.
const (
	corpusRandom = "random" // one file that does not compress
	corpusSmall  = "small"  // many files of text
	corpusText   = "text"   // one file of text
)

var makers = map[string]func(s *settings, folder string, bytes int64) error{
	corpusRandom: makeRandom, corpusSmall: makeSmall, corpusText: makeText,
}

var corpusSteps = map[string][]string{
	corpusRandom: {upload, download},
	corpusSmall:  {upload, unchanged, download, check, prune},
	corpusText:   {upload, another},
}

// corpus makes a corpus of about so many bytes, or finds it.
func (s *settings) corpus(name string, bytes int64) (corpus, error) {
	c := corpus{name: name, folder: filepath.Join(s.work, fmt.Sprintf("%s-%d", name, bytes)), steps: corpusSteps[name]}
	if _, err := os.Stat(c.folder); err == nil {
		return c, nil
	}
	if err := os.Mkdir(c.folder, 0o700); err != nil {
		return c, err
	}
	return c, makers[name](s, c.folder, bytes)
}

func makeRandom(_ *settings, folder string, bytes int64) error {
	return create(filepath.Join(folder, "random"), func(w *bufio.Writer) error {
		_, err := io.CopyN(w, rand.NewChaCha8([32]byte{1}), bytes)
		return err
	})
}

func makeText(_ *settings, folder string, bytes int64) error {
	if err := os.Mkdir(other(folder), 0o700); err != nil {
		return err
	}
	return errors.Join(writeText(folder, 2, bytes), writeText(other(folder), 4, bytes))
}

// other is the second source of a corpus.
func other(folder string) string { return folder + "-other" }

func writeText(folder string, seed uint64, bytes int64) error {
	random := rand.New(rand.NewPCG(seed, 2))
	return create(filepath.Join(folder, "text"), func(w *bufio.Writer) error {
		for written := int64(0); written < bytes; {
			n, err := w.WriteString(sentence(random))
			if err != nil {
				return err
			}
			written += int64(n)
		}
		return nil
	})
}

// smallLines is how many lines a small file has on average.
const smallLines = 150

func makeSmall(s *settings, folder string, _ int64) error {
	random := rand.New(rand.NewPCG(3, 3))
	for i := range s.files {
		within := filepath.Join(folder, fmt.Sprintf("%03d", i/100))
		if err := os.MkdirAll(within, 0o700); err != nil {
			return err
		}
		err := create(filepath.Join(within, fmt.Sprintf("%02d.txt", i%100)), func(w *bufio.Writer) error {
			for range 1 + random.IntN(2*smallLines) {
				if _, err := w.WriteString(sentence(random)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// words that lines are made of; longer ones are rarer.
var words = strings.Fields(`a of to in is the and for was that with this from have request answer client server
	connection received transferred 192.168.0.1 completed successfully authentication configuration`)

// sentence returns a line of about 90 bytes, which compresses to a third or a quarter.
func sentence(random *rand.Rand) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%012d %08x", random.Int64N(1e12), random.Uint32())
	for b.Len() < 84 {
		b.WriteByte(' ')
		b.WriteString(words[min(random.IntN(len(words)), random.IntN(len(words)))])
	}
	b.WriteByte('\n')
	return b.String()
}

// create writes a file.
func create(path string, write func(*bufio.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // closed below, where it matters
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
