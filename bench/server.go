package main

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

// server is a MinIO of its own for one run.
type server struct {
	*s3test.Process
	bucket string
}

func startServer(ctx context.Context, folder string) (*server, error) {
	// The server inherits it and then shows its counters to anybody.
	if err := os.Setenv("MINIO_PROMETHEUS_AUTH_TYPE", "public"); err != nil {
		return nil, err
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	p, err := s3test.Run(ctx, s3test.MinIO, folder, os.Stderr)
	if err != nil {
		return nil, err
	}
	s := &server{p, s3test.NewBucket()}
	store, err := s.open(ctx)
	if err == nil {
		err = errors.Join(store.CreateBucket(ctx, ""), store.Close())
	}
	if err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return s, nil
}

func (s *server) open(ctx context.Context) (*s3.Store, error) {
	return s3.Open(ctx, s3.Config{
		Endpoint: s.Endpoint, Region: s.Region, AccessKey: s.AccessKey, SecretKey: s.SecretKey, Bucket: s.bucket, Proxy: "none",
	})
}

// stored is what is in the bucket.
type stored struct {
	Objects int   `json:"objects"`
	Bytes   int64 `json:"bytes"`
}

func (s *server) stored(ctx context.Context) (all stored, err error) {
	store, err := s.open(ctx)
	if err != nil {
		return stored{}, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for info, err := range store.List(ctx, "") {
		if err != nil {
			return stored{}, fmt.Errorf("list bucket: %w", err)
		}
		all.Objects++
		all.Bytes += info.Size
	}
	return all, nil
}

// requests are what the server was asked, by its own count.
type requests struct {
	Total  int64            `json:"total"`
	ByName map[string]int64 `json:"by_name"`
	In     int64            `json:"bytes_in"`
	Out    int64            `json:"bytes_out"`
}

// requests returns the counts since the server's start.
func (s *server) requests(ctx context.Context) (requests, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint+"/minio/metrics/v3/api/requests", nil)
	if err != nil {
		return requests{}, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return requests{}, fmt.Errorf("read counters of the server: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return requests{}, fmt.Errorf("read counters of the server: status %s", answer.Status)
	}
	return readCounters(answer.Body)
}

// readCounters reads what is of use of a Prometheus text of MinIO.
func readCounters(body io.Reader) (requests, error) {
	r := requests{ByName: map[string]int64{}}
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

// since returns what came after an earlier count.
func (r requests) since(earlier requests) requests {
	d := requests{r.Total - earlier.Total, map[string]int64{}, r.In - earlier.In, r.Out - earlier.Out}
	for name, n := range r.ByName {
		if n -= earlier.ByName[name]; n > 0 {
			d.ByName[name] = n
		}
	}
	return d
}
