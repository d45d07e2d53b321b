package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"firn/bench/peak"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

// program is the firn that is measured, with a drive, a key and a cache in a folder.
type program struct {
	path, version string
	room          string
	secret        seal.Secret
}

func newProgram(ctx context.Context, room, path string) (*program, error) {
	p := &program{path: path, room: room, secret: seal.Secret{Key: new([32]byte)}}
	// A database that runs as another user has its folder below.
	if err := os.Chmod(room, 0o711); err != nil {
		return nil, err
	}
	if path == "" {
		p.path = filepath.Join(room, "firn")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", p.path, "firn/cmd/firn")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if printed, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build firn: %w\n%s", err, printed)
		}
	}
	var err error
	if p.path, err = filepath.Abs(p.path); err != nil {
		return nil, err
	}
	if p.version, err = output(ctx, p.path, "version"); err != nil {
		return nil, err
	}
	_, _ = rand.Read(p.secret.Key[:]) // never fails
	key := format.FormatSecret(format.TextKey, *p.secret.Key) + "\n"
	if err := os.WriteFile(p.file("key"), []byte(key), 0o600); err != nil {
		return nil, err
	}
	_, _, err = p.run(ctx, "init", "--no-recovery-key")
	return p, err
}

func (p *program) file(name string) string { return filepath.Join(p.room, name) }

// drive is the folder of the repository.
func (p *program) drive() string { return p.file("drive") }

// cost is what a command took.
type cost struct {
	Wall      float64  `json:"wall_seconds"`
	Processor float64  `json:"processor_seconds"`
	Peak      int64    `json:"peak_bytes"` // of resident memory
	Requests  requests `json:"requests"`
}

// requests are what the drive was asked.
type requests struct {
	Total int64 `json:"total"`
	In    int64 `json:"bytes_in"`
	Out   int64 `json:"bytes_out"`
}

// summary is what is of use here of the last line that a command prints.
type summary struct {
	Type         string   `json:"type"`
	Snapshot     string   `json:"snapshot"`
	Requests     requests `json:"requests"`
	BytesDeleted int64    `json:"bytes_deleted"`
}

// run runs a command.
func (p *program) run(ctx context.Context, args ...string) (cost, summary, error) {
	var printed, said bytes.Buffer
	args = append([]string{"--json", "--no-progress", "-d", p.drive(), "--key-file", p.file("key")}, args...)
	command := exec.CommandContext(ctx, p.path, args...)
	command.Dir = p.room
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + p.room, "HOME=" + p.room, "FIRN_CACHE=" + p.file("cache")}
	command.Stdout, command.Stderr = &printed, &said
	begun := time.Now()
	err := command.Run()
	wall := time.Since(begun)
	if err != nil {
		return cost{}, summary{}, fmt.Errorf("firn %s: %w\n%s%s", strings.Join(args, " "), err, printed.Bytes(), said.Bytes())
	}
	var last summary
	for line := range bytes.Lines(printed.Bytes()) {
		last = summary{}
		if err := json.Unmarshal(line, &last); err != nil {
			return cost{}, last, fmt.Errorf("read what firn printed: %w", err)
		}
	}
	state := command.ProcessState
	return cost{wall.Seconds(), (state.UserTime() + state.SystemTime()).Seconds(), peak.Memory(state), last.Requests}, last, nil
}

// stored is the bytes of all objects on the drive.
func (p *program) stored(ctx context.Context) (size int64, err error) {
	store, err := object.OpenDir(p.drive(), false)
	if err != nil {
		return 0, err
	}
	for info, err := range store.List(ctx, "") {
		if err != nil {
			return 0, err
		}
		size += info.Size
	}
	return size, nil
}

// backUp backs up what a command writes, and compares nothing.
func (p *program) backUp(ctx context.Context, dump []string) (cost, string, noted, error) {
	self, err := os.Executable()
	if err != nil {
		return cost{}, "", noted{}, err
	}
	file := p.file("noted")
	args := append([]string{"backup", "--stdin-name", dumpName, "--from-command", "--", self, noteVerb, file}, dump...)
	c, last, err := p.run(ctx, args...)
	if err != nil {
		return c, "", noted{}, err
	}
	n, err := readNote(file)
	c.Processor -= n.Processor // firn's own only
	return c, last.Snapshot, n, err
}

// dumpName is the dump's in snapshots.
const dumpName = "shop.sql"

// restore brings a snapshot's dump back on a machine that has nothing cached, and compares.
func (p *program) restore(ctx context.Context, snapshot, digest string) (c cost, err error) {
	shelf, err := os.MkdirTemp(memory(), "firn-nights-")
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(shelf)) }()
	c, _, err = p.run(ctx, "restore", snapshot+":"+dumpName, "--to", filepath.Join(shelf, "restored"), "--cache", filepath.Join(shelf, "cache"))
	if err != nil {
		return c, err
	}
	back, err := digestOf(filepath.Join(shelf, "restored", dumpName))
	if err == nil && back != digest {
		err = fmt.Errorf("snapshot %s did not come back as it was dumped", snapshot)
	}
	return c, err
}

// memory is a folder in memory, or "" where there is none.
func memory() string {
	const folder = "/dev/shm"
	if info, err := os.Stat(folder); err == nil && info.IsDir() {
		return folder
	}
	return ""
}
