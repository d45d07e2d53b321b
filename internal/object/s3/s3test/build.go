// Package s3test runs real S3 servers on loopback for tests, the demo and the
// benchmarks: MinIO and the Versity gateway, each pinned in a Go module of its
// own under testservers/ and never linked into firn.
//
// Invariant: a server never outlives the process that started it, and a
// machine builds each server once. It is used by tests of every package that
// needs a bucket and by the command in serve/.
package s3test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// The servers that can be run.
const (
	MinIO   = "minio"
	Versity = "versity"
)

// recipe says how a server is built.
type recipe struct {
	folder  string   // module, below testservers
	target  string   // package that is the server
	sources []string // files of the module that decide about the binary
}

var recipes = map[string]recipe{
	MinIO:   {"minio", "github.com/minio/minio", []string{"go.mod", "go.sum"}},
	Versity: {".", "./versity", []string{"go.mod", "go.sum", "versity/main.go"}},
}

// Build returns the path of a server's program and builds it first where this
// machine has not done so yet. Building takes minutes on a cold machine and
// needs the Go module proxy or a filled module cache; several processes at
// once build once. Progress goes to log.
func Build(ctx context.Context, kind string, log io.Writer) (string, error) {
	r, ok := recipes[kind]
	if !ok {
		return "", fmt.Errorf("no server is called %q: use %q or %q", kind, MinIO, Versity)
	}
	module, err := modulePath(r.folder)
	if err != nil {
		return "", err
	}
	key, err := r.key(module)
	if err != nil {
		return "", fmt.Errorf("hash module of %s: %w", kind, err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find cache folder: %w", err)
	}
	cache = filepath.Join(cache, "firn-testservers")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("make cache folder: %w", err)
	}
	program := filepath.Join(cache, kind+"-"+key+exeSuffix())
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}

	unlock, err := lockedfile.MutexAt(filepath.Join(cache, kind+".lock")).Lock()
	if err != nil {
		return "", fmt.Errorf("lock build of %s: %w", kind, err)
	}
	defer unlock()
	if _, err := os.Stat(program); err == nil {
		return program, nil // somebody else built it meanwhile
	}
	return program, compile(ctx, module, r.target, program, log)
}

// compile builds target in module and moves it into place when it is whole.
func compile(ctx context.Context, module, target, program string, log io.Writer) error {
	fmt.Fprintf(log, "building %s (once on this machine; this can take minutes)\n", target)
	partial := program + ".partial"
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", partial, target)
	build.Dir = module
	build.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off", "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s in %s (it needs the Go module proxy or a filled module cache): %w\n%s",
			target, module, err, tail(output))
	}
	return os.Rename(partial, program)
}

// key names everything the binary depends on.
func (r recipe) key(module string) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, source := range r.sources {
		content, err := os.ReadFile(filepath.Join(module, source))
		if err != nil {
			return "", err
		}
		fmt.Fprintln(hash, source, len(content))
		hash.Write(content)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8]), nil
}

// modulePath finds testservers/folder, looking upwards from the working
// directory for the checkout's root.
func modulePath(folder string) (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		module := filepath.Join(at, "testservers", folder)
		if _, err := os.Stat(filepath.Join(module, "go.mod")); err == nil {
			return module, nil
		}
		up := filepath.Dir(at)
		if up == at {
			return "", errors.New("no testservers folder here or above: run inside the checkout")
		}
		at = up
	}
}

func exeSuffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

// tail returns the end of a program's output, where errors stand.
func tail(output []byte) string {
	const most = 4000
	if len(output) > most {
		output = output[len(output)-most:]
	}
	return strings.TrimSpace(string(output))
}
