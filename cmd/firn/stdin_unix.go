//go:build unix

package main

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// stdin is standard input, whose reading ends with a context: a read of a pipe
// in which nothing comes would otherwise wait for ever.
type stdin struct{ ctx context.Context }

// stdinPoll is how often the context is looked at while nothing comes, in
// milliseconds.
const stdinPoll = 100

func (s stdin) Read(p []byte) (int, error) {
	ready := []unix.PollFd{{Fd: int32(os.Stdin.Fd()), Events: unix.POLLIN}}
	for {
		if err := s.ctx.Err(); err != nil {
			return 0, err
		}
		n, err := unix.Poll(ready, stdinPoll)
		if err != nil && !errors.Is(err, unix.EINTR) || n > 0 {
			return os.Stdin.Read(p) // what poll does not know, read does
		}
	}
}
