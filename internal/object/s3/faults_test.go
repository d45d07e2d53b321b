package s3_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/internal/object"
	"firn/internal/object/s3"
)

// transient are faults that one more attempt gets over.
var transient = map[string]fault{
	"503 SlowDown":            answer(503, "SlowDown"),
	"503 of a proxy":          say(503, "<html>no backend</html>"),
	"429":                     say(429, ""),
	"500":                     answer(500, "InternalError"),
	"502 of a proxy":          say(502, "<html>bad gateway</html>"),
	"400 RequestTimeout":      answer(400, "RequestTimeout"),
	"307":                     answer(307, "TemporaryRedirect"),
	"409":                     answer(409, "OperationAborted"),
	"reset":                   reset,
	"answer lost":             lose,
	"200 with an error":       say(200, "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code></Error>"),
	"200 of something else":   say(200, "<html>please log in</html>"),
	"200 with nothing":        say(200, ""),
	"hangs":                   hang,
	"answer's head broke off": func(_ *fake, w http.ResponseWriter, r *http.Request) { hijack(w, "HTTP/1.1 200 OK\r\nContent-Le") },
	"not HTTP":                func(_ *fake, w http.ResponseWriter, r *http.Request) { hijack(w, "SSH-2.0-OpenSSH\r\n") },
}

func hijack(w http.ResponseWriter, text string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	conn.Write([]byte(text))
	conn.Close()
}

// oldBody is what the object "old" holds before each operation.
var oldBody = []byte(strings.Repeat("body ", 1000))

// operations are done on a server that holds "old" only, and check their outcome.
var operations = map[string]func(ctx context.Context, f *fake, s *s3.Store) error{
	"put": func(ctx context.Context, f *fake, s *s3.Store) error {
		if _, err := s.Put(ctx, "new", oldBody, object.PutOptions{}); err != nil {
			return err
		}
		return holds(f, "new", oldBody)
	},
	"create": func(ctx context.Context, f *fake, s *s3.Store) error {
		if _, err := s.Put(ctx, "new", oldBody, object.PutOptions{IfAbsent: true}); err != nil {
			return err
		}
		return holds(f, "new", oldBody)
	},
	"replace": func(ctx context.Context, f *fake, s *s3.Store) error {
		info, err := s.Put(ctx, "old", []byte("next"), object.PutOptions{IfMatch: strings.Trim(etagOf(oldBody), `"`)})
		if err == nil && info.Size != 4 {
			err = fmt.Errorf("info %+v", info)
		}
		return errors.Join(err, holds(f, "old", []byte("next")))
	},
	"get": func(ctx context.Context, _ *fake, s *s3.Store) error {
		got, _, err := s.Get(ctx, "old", 1<<20)
		return errors.Join(err, same(got, oldBody))
	},
	"range": func(ctx context.Context, _ *fake, s *s3.Store) error {
		got := make([]byte, 100)
		err := s.GetRange(ctx, "old", got, 7)
		return errors.Join(err, same(got, oldBody[7:107]))
	},
	"list": func(ctx context.Context, _ *fake, s *s3.Store) error {
		names, err := list(ctx, s, "")
		if err == nil && !slices.Equal(names, []string{"old"}) {
			err = fmt.Errorf("listed %v", names)
		}
		return err
	},
	"delete": func(ctx context.Context, f *fake, s *s3.Store) error {
		err := s.Delete(ctx, "old")
		if _, there := f.get("old"); there {
			err = errors.Join(err, errors.New("still there"))
		}
		return err
	},
	"delete many": func(ctx context.Context, f *fake, s *s3.Store) error {
		err := s.Delete(ctx, "old", "older")
		if _, there := f.get("old"); there {
			err = errors.Join(err, errors.New("still there"))
		}
		return err
	},
}

func TestTransientFaultsAreOvercome(t *testing.T) {
	// A deletion is answered with nothing when all is well.
	exempt := func(operation, fault string) bool { return operation == "delete" && fault == "200 with nothing" }
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		c.Timeouts.Request, c.Timeouts.Stall = 500*time.Millisecond, 500*time.Millisecond
		c.Timeouts.Connect, c.MaxRetries = 500*time.Millisecond, 6
		s := openConfig(t, c)
		for operation, do := range operations {
			for name, ft := range transient {
				if exempt(operation, name) {
					continue
				}
				t.Run(operation+"/"+name, func(t *testing.T) {
					f.set("old", oldBody)
					f.mu.Lock()
					delete(f.objects, "new")
					f.mu.Unlock()
					f.next(ft)
					if err := do(t.Context(), f, s); err != nil {
						t.Errorf("%v; requests: %v", err, f.log())
					}
					f.log()
				})
			}
		}
	})
}

func holds(f *fake, key string, want []byte) error {
	got, _ := f.get(key)
	return same(got, want)
}

func same(got, want []byte) error {
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%d bytes that differ from the %d wanted", len(got), len(want))
	}
	return nil
}

func list(ctx context.Context, s object.Store, prefix string) ([]string, error) {
	var names []string
	for info, err := range s.List(ctx, prefix) {
		if err != nil {
			return names, err
		}
		names = append(names, info.Name)
	}
	return names, nil
}

func TestLostAnswers(t *testing.T) {
	ours, theirs := []byte("our bytes"), []byte("their bytes")
	// interfere lets somebody else write before our second attempt arrives.
	interfere := func(f *fake, _ http.ResponseWriter, _ *http.Request) {
		f.set("a", theirs)
		panic(http.ErrAbortHandler)
	}
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		s := openConfig(t, c)
		create := func(before []byte, faults ...fault) error {
			f.mu.Lock()
			f.objects = map[string][]byte{}
			f.mu.Unlock()
			if before != nil {
				f.set("a", before)
			}
			f.next(faults...)
			_, err := s.Put(t.Context(), "a", ours, object.PutOptions{IfAbsent: true})
			return err
		}
		if err := create(nil, lose); err != nil {
			t.Errorf("own write whose answer was lost: %v", err)
		}
		if err := create(nil, lose, answer(503, "SlowDown"), reset); err != nil {
			t.Errorf("own write after more trouble: %v", err)
		}
		if err := create(nil, interfere); !errors.Is(err, object.ErrExists) {
			t.Errorf("somebody else's write: %v, want %v", err, object.ErrExists)
		}
		if err := create(ours); !errors.Is(err, object.ErrExists) {
			t.Errorf("same bytes there before, nothing lost: %v, want %v", err, object.ErrExists)
		}
		f.log()
		if err := create(nil, lose, nil, answer(403, "AccessDenied")); errors.Is(err, object.ErrExists) || err == nil {
			t.Errorf("answer lost, reading forbidden: %v, want neither success nor %v", err, object.ErrExists)
		}
	})
}

func TestPutIsNotBelievedBlindly(t *testing.T) {
	wrongEcho := altered(func(h http.Header, body []byte) []byte {
		h.Set("X-Amz-Checksum-Sha256", base64.StdEncoding.EncodeToString(make([]byte, 32)))
		return body
	})
	keepLess := func(f *fake, w http.ResponseWriter, r *http.Request) {
		f.handler(w, r)
		f.set("a", []byte("le"))
	}
	keepNothing := func(_ *fake, w http.ResponseWriter, r *http.Request) { w.Header().Set("ETag", `"1"`) }
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		s := openConfig(t, c)
		f.next(wrongEcho, wrongEcho, wrongEcho, wrongEcho)
		if _, err := s.Put(t.Context(), "a", []byte("less"), object.PutOptions{}); !errors.Is(err, object.ErrCorrupt) {
			t.Errorf("wrong echo: %v, want %v", err, object.ErrCorrupt)
		}
		f.next(func(f *fake, w http.ResponseWriter, r *http.Request) {
			wrongEcho(f, w, r)
			f.set("c", []byte("lass"))
		})
		if _, err := s.Put(t.Context(), "c", []byte("less"), object.PutOptions{IfAbsent: true}); !errors.Is(err, object.ErrCorrupt) {
			t.Errorf("created, but spoiled: %v, want %v", err, object.ErrCorrupt)
		}
		f.silent = true
		for name, ft := range map[string]fault{"less": keepLess, "nothing": keepNothing} {
			f.mu.Lock()
			delete(f.objects, "a")
			f.mu.Unlock()
			f.next(ft)
			if _, err := s.Put(t.Context(), "a", []byte("less"), object.PutOptions{}); !errors.Is(err, object.ErrCorrupt) {
				t.Errorf("server keeps %s: %v, want %v", name, err, object.ErrCorrupt)
			}
		}
		wrong := sha256.Sum256([]byte("other"))
		f.log()
		_, err := s.Put(t.Context(), "b", []byte("less"), object.PutOptions{SHA256: &wrong})
		if !errors.Is(err, object.ErrCorrupt) || len(f.log()) != 1 {
			t.Errorf("caller's hash is wrong: %v, want %v at once", err, object.ErrCorrupt)
		}
	})
}
