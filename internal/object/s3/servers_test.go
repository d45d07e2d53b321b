package s3_test

import (
	"os"
	"testing"

	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/object/s3"
	"firn/internal/object/s3/s3test"
)

func TestMain(m *testing.M) { os.Exit(s3test.Main(m)) }

var (
	servers = []string{s3test.MinIO, s3test.Versity}
	clients = []string{"aws", "minio"}
)

// onServers runs a test on every server with every client.
func onServers(t *testing.T, test func(t *testing.T, c s3.Config)) {
	for _, server := range servers {
		for _, client := range clients {
			t.Run(server+"/"+client, func(t *testing.T) {
				test(t, configOf(s3test.Start(t, server), client))
			})
		}
	}
}

// configOf returns a configuration for a new bucket.
func configOf(server s3test.Server, client string) s3.Config {
	return s3.Config{
		Endpoint: server.Endpoint, Region: server.Region, AccessKey: server.AccessKey, SecretKey: server.SecretKey,
		Bucket: s3test.NewBucket(), Client: client, Proxy: "none",
	}
}

// open opens a store and makes its bucket.
func open(t testing.TB, c s3.Config) *s3.Store {
	t.Helper()
	s, err := s3.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.CreateBucket(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	onServers(t, func(t *testing.T, c s3.Config) {
		objecttest.Run(t, func(t *testing.T) object.Store {
			c := c
			c.Bucket, c.Prefix = s3test.NewBucket(), "some/where"
			s := open(t, c)
			known, err := s.Probe(t.Context())
			if err != nil {
				t.Fatalf("probe: %v", err)
			}
			if want := (object.Capabilities{IfAbsent: true, IfMatch: true, Attests: true}); known != want {
				t.Errorf("probe found %+v, want %+v", known, want)
			}
			return s
		})
	})
}
