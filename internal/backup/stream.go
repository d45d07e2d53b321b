package backup

import (
	"context"
	"io"
	"iter"

	"firn/internal/source"
)

// Stream makes a source of a stream: standard input, a command's output.
func Stream(s *source.Stream) Source { return stream{s} }

type stream struct{ *source.Stream }

func (s stream) Walk(context.Context) iter.Seq2[*source.Item, error] {
	return func(yield func(*source.Item, error) bool) {
		for _, item := range s.Items() {
			if !yield(item, nil) {
				return
			}
		}
	}
}

func (s stream) Open(*source.Item) (source.Content, error) {
	return &streamContent{stream: s.Stream}, nil
}

// ReadSmall sends the caller to Open: the length of a stream is not known.
func (s stream) ReadSmall(*source.Item, []byte) (int, error) { return 0, source.ErrChanged }

// streamContent is a stream as one run of data.
type streamContent struct {
	stream *source.Stream
	begun  bool
}

func (c *streamContent) NextRun() (length uint64, hole bool, err error) {
	if c.begun {
		return 0, false, io.EOF
	}
	c.begun = true
	return 0, false, nil
}

func (c *streamContent) Read(p []byte) (int, error) { return c.stream.Read(p) }
func (c *streamContent) Changed() (bool, error)     { return false, nil }
func (c *streamContent) Close() error               { return c.stream.Close() }
