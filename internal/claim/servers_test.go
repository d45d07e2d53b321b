package claim

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"firn/internal/format"
	"firn/internal/object/s3"
	"firn/internal/object/s3/s3test"
)

func TestMain(m *testing.M) { os.Exit(s3test.Main(m)) }

// TestOnServers claims directories on real servers, also behind a proxy that lets
// no condition through, so that claims have to be announced.
func TestOnServers(t *testing.T) {
	for _, server := range []string{s3test.MinIO, s3test.Versity} {
		for _, client := range []string{"aws", "minio"} {
			for _, honoured := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/conditions %v", server, client, honoured), func(t *testing.T) {
					p := s3test.NewProxy(t, s3test.Start(t, server))
					if !honoured {
						p.Next(-1, s3test.IgnoreConditions, s3test.Put)
					}
					bucket := s3test.NewBucket()
					contest(t, func(t *testing.T) *s3.Store { return openStore(t, p, client, bucket) }, honoured)
				})
			}
		}
	}
}

func openStore(t *testing.T, p *s3test.Proxy, client, bucket string) *s3.Store {
	s, err := s3.Open(t.Context(), s3.Config{
		Endpoint: p.Endpoint, Region: p.Region, AccessKey: p.AccessKey, SecretKey: p.SecretKey,
		Bucket: bucket, Prefix: "some/where", Client: client, Proxy: "none",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// contest has several hosts found a repository in one directory, of which at most
// one does, and then take it over from each other.
func contest(t *testing.T, open func(*testing.T) *s3.Store, honoured bool) {
	first := open(t)
	if err := first.CreateBucket(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	known, err := first.Probe(t.Context())
	if err != nil || known.IfAbsent != honoured {
		t.Fatalf("found %+v, %v", known, err)
	}
	const hosts = 4
	var outcomes [hosts]error
	var running sync.WaitGroup
	for i := range hosts {
		s := open(t)
		s.SetCapabilities(known)
		g := NewGuard(s, Holder{Host: fmt.Sprint("host", i), Exclusive: true}, "")
		g.take.pause = 20 * time.Millisecond
		running.Go(func() { outcomes[i] = g.Found(t.Context(), format.ID{byte(i + 1)}) })
	}
	running.Wait()
	winners := 0
	for i, err := range outcomes {
		switch {
		case err == nil:
			winners++
		case !errors.Is(err, ErrHeld):
			t.Errorf("host%d: %v", i, err)
		}
	}
	if winners > 1 || winners == 0 && honoured {
		t.Errorf("%d hosts believe that they have the directory", winners)
	}
	taker := NewGuard(first, Holder{Host: "taker", Exclusive: true}, "")
	taker.take.pause = 20 * time.Millisecond
	if _, err := taker.TakeOver(t.Context(), ours); err != nil {
		t.Fatal(err)
	}
	if err := NewGuard(first, Holder{Host: "host0"}, "").Admit(t.Context(), ours); !errors.Is(err, ErrHeld) {
		t.Errorf("a host before: %v, want %v", err, ErrHeld)
	}
}
