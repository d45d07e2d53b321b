package s3test_test

import (
	"net/http"
	"os"
	"testing"

	"firn/internal/object/s3/s3test"
)

func TestMain(m *testing.M) { os.Exit(s3test.Main(m)) }

func TestServersAnswer(t *testing.T) {
	for _, kind := range []string{s3test.MinIO, s3test.Versity} {
		t.Run(kind, func(t *testing.T) {
			server := s3test.Start(t, kind)
			if again := s3test.Start(t, kind); again != server {
				t.Errorf("second start gave another server: %v, first was %v", again.Endpoint, server.Endpoint)
			}
			answer, err := http.Get(server.Endpoint + "/")
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusForbidden {
				t.Errorf("unsigned request: status %d, want 403", answer.StatusCode)
			}
		})
	}
}
