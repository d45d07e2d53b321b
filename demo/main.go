// Command demo shows Firn at work, and is a test of it at the same time: it
// starts a real S3 server, backs up the Go toolchain's sources to it, changes
// some, backs up again, restores both states and compares them with the
// originals byte for byte and in all metadata. It prints each command as one
// would type it, what it says, and what the server saw of it.
//
//	go run ./demo
//
// Everything happens in a temporary folder that is removed at the end, also
// after Ctrl-C; nothing of the user's is touched. The exit code is 0 only if
// everything came back as it was.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"firn/internal/object/s3/s3test"
)

func main() {
	server := flag.String("server", s3test.Versity, "S3 server to use: versity or minio")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, *server, os.Stdout); err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run sets the stage, plays, and clears it away.
func run(ctx context.Context, kind string, out io.Writer) (err error) {
	begun := time.Now()
	folder, err := os.MkdirTemp("", "firn-demo-")
	if err != nil {
		return err
	}
	defer func() {
		if left := os.RemoveAll(folder); left != nil {
			err = errors.Join(err, left)
			return
		}
		fmt.Fprintf(out, "Server stopped, %s removed.\n", folder)
	}()

	fmt.Fprintln(out, "Building firn …")
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", filepath.Join(folder, "bin", "firn"), "firn/cmd/firn")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build firn: %w\n%s", err, output)
	}
	fmt.Fprintf(out, "Starting a real S3 server (%s; it is built first where this machine has not yet done so, which takes minutes) …\n", kind)
	data := filepath.Join(folder, "server")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	server, err := s3test.Run(ctx, kind, data, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	gate, err := openGate(server.Endpoint)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, gate.close()) }()

	s := &stage{ctx: ctx, out: out, folder: folder, gate: gate}
	s.environment = []string{
		"PATH=" + filepath.Join(folder, "bin") + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME=" + filepath.Join(folder, "home"), "TMPDIR=" + folder, "FIRN_HOST=demo",
		"AWS_ACCESS_KEY_ID=" + server.AccessKey, "AWS_SECRET_ACCESS_KEY=" + server.SecretKey, "AWS_REGION=" + server.Region,
		"FIRN_DRIVE=" + strings.Replace(gate.url, "http://", "s3+http://", 1) + "/demo/backups?create_bucket=true",
	}
	if err := play(s); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nAll of it came back as it was. %.0f s in all.\n", time.Since(begun).Seconds())
	return nil
}
