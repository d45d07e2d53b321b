// Package server is the MinIO that the benchmarks measure against, and what it counted.
package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"firn/internal/object/s3"
	"firn/internal/object/s3/s3test"
)

// Server is a MinIO of its own for one run, with a bucket.
type Server struct {
	*s3test.Process
	Bucket string
}

// Start runs a server on a local address, with its data in a new folder.
func Start(ctx context.Context, address, folder string) (*Server, error) {
	// The server inherits it and then shows its counters to anybody.
	if err := os.Setenv("MINIO_PROMETHEUS_AUTH_TYPE", "public"); err != nil {
		return nil, err
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	p, err := s3test.RunAt(ctx, s3test.MinIO, address, folder, os.Stderr)
	if err != nil {
		return nil, err
	}
	s := &Server{p, s3test.NewBucket()}
	store, err := s.open(ctx)
	if err == nil {
		err = errors.Join(store.CreateBucket(ctx, ""), store.Close())
	}
	if err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return s, nil
}

func (s *Server) open(ctx context.Context) (*s3.Store, error) {
	return s3.Open(ctx, s3.Config{
		Endpoint: s.Endpoint, Region: s.Region, AccessKey: s.AccessKey, SecretKey: s.SecretKey, Bucket: s.Bucket, Proxy: "none",
	})
}

// Stored is what is in the bucket.
type Stored struct {
	Objects int   `json:"objects"`
	Bytes   int64 `json:"bytes"`
}

// Stored counts what is in the bucket now.
func (s *Server) Stored(ctx context.Context) (all Stored, err error) {
	store, err := s.open(ctx)
	if err != nil {
		return Stored{}, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for info, err := range store.List(ctx, "") {
		if err != nil {
			return Stored{}, fmt.Errorf("list bucket: %w", err)
		}
		all.Objects++
		all.Bytes += info.Size
	}
	return all, nil
}

// Requests are what the server was asked, by its own count.
type Requests struct {
	Total  int64            `json:"total"`
	ByName map[string]int64 `json:"by_name"`
	In     int64            `json:"bytes_in"`
	Out    int64            `json:"bytes_out"`
}

// Requests returns the counts since the server's start.
func (s *Server) Requests(ctx context.Context) (Requests, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint+"/minio/metrics/v3/api/requests", nil)
	if err != nil {
		return Requests{}, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return Requests{}, fmt.Errorf("read counters of the server: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return Requests{}, fmt.Errorf("read counters of the server: status %s", answer.Status)
	}
	return readCounters(answer.Body)
}

// readCounters reads what is of use of a Prometheus text of MinIO.
func readCounters(body io.Reader) (Requests, error) {
	r := Requests{ByName: map[string]int64{}}
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		name, rest, found := strings.Cut(lines.Text(), "{")
		labels, value, closed := strings.Cut(rest, "} ")
		if !found || !closed || !strings.Contains(labels, `type="s3"`) {
			continue
		}
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return r, fmt.Errorf("read counters of the server: %w", err)
		}
		switch name {
		case "minio_api_requests_total":
			_, api, _ := strings.Cut(labels, `name="`)
			api, _, _ = strings.Cut(api, `"`)
			r.ByName[api] += int64(number)
			r.Total += int64(number)
		case "minio_api_requests_traffic_received_bytes":
			r.In += int64(number)
		case "minio_api_requests_traffic_sent_bytes":
			r.Out += int64(number)
		}
	}
	return r, lines.Err()
}

// Since returns what came after an earlier count.
func (r Requests) Since(earlier Requests) Requests {
	d := Requests{r.Total - earlier.Total, map[string]int64{}, r.In - earlier.In, r.Out - earlier.Out}
	for name, n := range r.ByName {
		if n -= earlier.ByName[name]; n > 0 {
			d.ByName[name] = n
		}
	}
	return d
}
