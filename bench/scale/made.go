package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"

	"firn/internal/format"
	"firn/internal/source"
)

const (
	directoryFiles = 1000 // files of a directory
	smallSize      = 64   // bytes
)

// made is a source of files that are made up: each has a name of its own and content of its own.
type made struct {
	files   uint64
	size    int    // bytes of a file: smallSize, of letters, or more, at random
	single  bool   // all in one directory
	changed uint64 // each so manieth run of files has other content than at first; 0: none
	run     uint64 // files of a run
}

// Walk implements backup.Source.
func (m *made) Walk(ctx context.Context) iter.Seq2[*source.Item, error] {
	return func(yield func(*source.Item, error) bool) {
		for i := range m.files {
			if i%directoryFiles == 0 {
				if ctx.Err() != nil {
					yield(nil, ctx.Err())
					return
				}
				if (i == 0 || !m.single) && !yield(m.item(m.directory(i), 0, i, format.TypeDirectory), nil) {
					return
				}
			}
			if !yield(m.item(fmt.Sprintf("%sfile-%08d", m.directory(i), i), uint64(m.size), i, format.TypeFile), nil) {
				return
			}
		}
	}
}

func (m *made) directory(i uint64) string {
	if m.single {
		return "all/"
	}
	return fmt.Sprintf("directory-%06d/", i/directoryFiles)
}

func (m *made) item(key string, size, i uint64, kind uint32) *source.Item {
	e := &format.Entry{Type: kind, Mode: 0o644, UID: 1000, GID: 1000, User: "user", Group: "group", Size: size,
		MTime: int64(1_700_000_000 + i), CTime: int64(1_700_000_000 + i), Inode: i + 10, Device: 1}
	if kind == format.TypeFile && m.isChanged(i) {
		e.MTime++
	}
	return &source.Item{Key: []byte(key), Path: "/" + key, Entry: e}
}

func (m *made) isChanged(i uint64) bool { return m.changed > 0 && i/m.run%m.changed == 0 }

// ReadSmall implements backup.Source.
func (m *made) ReadSmall(item *source.Item, buf []byte) (int, error) {
	return m.fill(item, buf), nil
}

// fill writes a file's content to buf and returns its length.
func (m *made) fill(item *source.Item, buf []byte) int {
	word := mix(item.Entry.Inode - 10)
	if m.isChanged(item.Entry.Inode - 10) {
		word = mix(word)
	}
	if m.size > smallSize {
		for at := 0; at+8 <= m.size; at += 8 {
			binary.LittleEndian.PutUint64(buf[at:], word)
			word = mix(word)
		}
		return m.size
	}
	for at := range m.size {
		buf[at] = "etaoinshrdlucmfw"[word&15]
		word = word>>4 | word<<60
		if at%16 == 15 {
			word = mix(word)
		}
	}
	return m.size
}

// Open implements backup.Source.
func (m *made) Open(item *source.Item) (source.Content, error) {
	c := &madeContent{rest: make([]byte, m.size)}
	m.fill(item, c.rest)
	return c, nil
}

// madeContent is the content of one file.
type madeContent struct {
	rest  []byte
	begun bool
}

func (c *madeContent) NextRun() (uint64, bool, error) {
	if c.begun {
		return 0, false, io.EOF
	}
	c.begun = true
	return uint64(len(c.rest)), false, nil
}

func (c *madeContent) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *madeContent) Changed() (bool, error) { return false, nil }
func (c *madeContent) Close() error           { return nil }
