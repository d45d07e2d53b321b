package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"firn/bench/peak"
)

// usage is what commands took of the machine.
type usage struct {
	Wall   float64 `json:"wall_seconds"`
	User   float64 `json:"user_seconds"`
	System float64 `json:"system_seconds"`
	Peak   int64   `json:"peak_bytes"` // of resident memory
}

// and is the usage of two commands, one after the other.
func (u usage) and(v usage) usage {
	return usage{u.Wall + v.Wall, u.User + v.User, u.System + v.System, max(u.Peak, v.Peak)}
}

// measure runs a command. The system counts this program's memory at the
// time of the start as the child's as well, which is why corpora are built in a
// process of their own.
func measure(ctx context.Context, program string, args, environment []string, folder string) (usage, error) {
	var output bytes.Buffer
	command := exec.CommandContext(ctx, program, args...)
	command.Dir = folder
	command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + folder}, environment...)
	command.Stdout, command.Stderr = &output, &output
	begun := time.Now()
	err := command.Run()
	wall := time.Since(begun)
	if err != nil {
		return usage{}, fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, output.Bytes())
	}
	state := command.ProcessState
	return usage{wall.Seconds(), state.UserTime().Seconds(), state.SystemTime().Seconds(), peak.Memory(state)}, nil
}
