// Command serve runs a real S3 server until its standard input ends or it is
// interrupted, for the demo, the benchmarks and trying things out:
//
//	go run ./internal/object/s3/s3test/serve versity
//
// It prints one line of JSON with endpoint, keys and region when the server
// answers. With -build it only builds the server, so that tests find it ready.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"firn/internal/object/s3/s3test"
)

func main() {
	folder := flag.String("folder", "", "where the server keeps its data; a temporary folder if not given")
	buildOnly := flag.Bool("build", false, "build the servers named and stop there")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: serve [-folder DIR] minio|versity\n       serve -build minio|versity…")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 || flag.NArg() > 1 && !*buildOnly {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *buildOnly {
		err = build(ctx, flag.Args())
	} else {
		err = serve(ctx, flag.Arg(0), *folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func build(ctx context.Context, kinds []string) error {
	for _, kind := range kinds {
		if _, err := s3test.Build(ctx, kind, os.Stderr); err != nil {
			return err
		}
	}
	return nil
}

func serve(ctx context.Context, kind, folder string) error {
	p, err := s3test.Run(ctx, kind, folder, os.Stderr)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(p.Server); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { // whoever started this holds the other end of standard input
		io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	return p.Stop()
}
