package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// noteVerb has this program run a command and note what that wrote: it stands between a database's tool
// and Firn, since what the tool writes is nowhere else to be compared with later.
const noteVerb = "note"

// noted is what a command wrote to its standard output, and what it took with the noting.
type noted struct {
	Bytes     int64   `json:"bytes"`
	Digest    string  `json:"sha256"`
	Processor float64 `json:"processor_seconds"`
}

// note runs a command, passes its output on, notes it in a file and returns an exit code.
func note(file string, command []string) int {
	n, err := passOn(command, os.Stdout)
	if err == nil {
		err = n.write(file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func passOn(argv []string, to io.Writer) (noted, error) {
	command := exec.Command(argv[0], argv[1:]...)
	command.Stderr = os.Stderr
	from, err := command.StdoutPipe()
	if err != nil {
		return noted{}, err
	}
	if err := command.Start(); err != nil {
		return noted{}, err
	}
	digest := sha256.New()
	// A pipe that takes it in one piece saves Firn and the tool turns of each other.
	size, copied := io.CopyBuffer(io.MultiWriter(digest, to), struct{ io.Reader }{from}, make([]byte, 64<<10))
	if err := command.Wait(); err != nil {
		return noted{}, fmt.Errorf("%s: %w", argv[0], err)
	}
	return noted{size, hex.EncodeToString(digest.Sum(nil)), spent().Seconds()}, copied
}

func (n noted) write(file string) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

func readNote(file string) (n noted, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return n, err
	}
	return n, json.Unmarshal(text, &n)
}

// digestOf is the digest of a file as noted has it.
func digestOf(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}
