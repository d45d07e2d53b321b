// Command versity runs a Versity S3 gateway over a folder, for tests, demo and
// benchmarks. When the gateway answers it prints one line of JSON,
// {"endpoint": "http://127.0.0.1:PORT"}. It ends when its standard input does
// or on SIGTERM, and removes nothing.
//
// The keys come from VERSITY_ACCESS_KEY and VERSITY_SECRET_KEY, so that no
// process list shows them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

func main() {
	address := flag.String("address", "127.0.0.1:0", "`HOST:PORT` to listen on; port 0 takes a free one")
	folder := flag.String("folder", "", "where buckets live; it must exist (required)")
	region := flag.String("region", "us-east-1", "region the gateway claims to be in")
	domain := flag.String("domain", "", "serve BUCKET.`DOMAIN` as well as /BUCKET")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, *address, *folder, *region, *domain); err != nil {
		fmt.Fprintln(os.Stderr, "versity:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, address, folder, region, domain string) error {
	if folder == "" {
		return errors.New("-folder is required")
	}
	folder, err := filepath.Abs(folder) // the backend changes the working directory
	if err != nil {
		return err
	}
	backend, err := openFolder(folder)
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	address, err = settle(address)
	if err != nil {
		return fmt.Errorf("find a free port: %w", err)
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // whoever started this holds the other end of standard input
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	go announce(ctx, address)
	return embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
		RootUserAccess:    os.Getenv("VERSITY_ACCESS_KEY"),
		RootUserSecret:    os.Getenv("VERSITY_SECRET_KEY"),
		Region:            region,
		Ports:             []string{address},
		MaxConnections:    1024,
		MaxRequests:       1024,
		MultipartMaxParts: 10000,
		VirtualDomain:     domain,
		KeepAlive:         true,
		Quiet:             true,
	})
}

// openFolder keeps attributes beside the objects where the file system has
// extended attributes, else in a second folder next to the first.
func openFolder(folder string) (*posix.Posix, error) {
	options := posix.PosixOpts{CopyObjectThreshold: 5 << 30, Concurrency: 256}
	var attributes meta.MetadataStorer = meta.XattrMeta{}
	if (meta.XattrMeta{}).Test(folder) != nil {
		options.SideCarDir = filepath.Join(filepath.Dir(folder), "attributes-of-"+filepath.Base(folder))
		if err := os.MkdirAll(options.SideCarDir, 0o700); err != nil {
			return nil, err
		}
		sidecar, err := meta.NewSideCar(options.SideCarDir)
		if err != nil {
			return nil, err
		}
		attributes = sidecar
	}
	return posix.New(folder, attributes, options)
}

// settle replaces port 0 by a port that was free a moment ago.
func settle(address string) (string, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// announce waits until the gateway takes connections and says so.
func announce(ctx context.Context, address string) {
	for ctx.Err() == nil {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			json.NewEncoder(os.Stdout).Encode(map[string]string{"endpoint": "http://" + address})
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
