//go:build !unix

package main

import (
	"context"
	"os"
)

// stdin is standard input. Here its reading cannot be interrupted by a first signal,
// only the program as a whole by a second one.
type stdin struct{ ctx context.Context }

func (s stdin) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return os.Stdin.Read(p)
}
