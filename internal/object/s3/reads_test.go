package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"firn/internal/object"
	"firn/internal/object/s3"
)

func TestReadsResume(t *testing.T) {
	body := make([]byte, 3<<20)
	rand.NewChaCha8([32]byte{}).Read(body)
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		s := openConfig(t, c)
		f.set("a", body)
		f.next(cut(1<<20), cut(1<<20))
		got, info, err := s.Get(t.Context(), "a", 1<<30)
		if err := errors.Join(err, same(got, body)); err != nil || info.Size != int64(len(body)) {
			t.Errorf("get that breaks twice: %v, %+v", err, info)
		}
		f.next(cut(1000), reset, cut(1000))
		part := make([]byte, 2<<20)
		if err := s.GetRange(t.Context(), "a", part, 99); err != nil || !bytes.Equal(part, body[99:99+2<<20]) {
			t.Errorf("range that breaks twice: %v", err)
		}
		f.mu.Lock()
		ranges := []string{f.headers[3].Get("Range"), f.headers[5].Get("Range")}
		f.mu.Unlock()
		last := 99 + 2<<20 - 1
		if want := []string{fmt.Sprintf("bytes=99-%d", last), fmt.Sprintf("bytes=1099-%d", last)}; !slices.Equal(ranges, want) {
			t.Errorf("asked for %v, want %v", ranges, want)
		}

		other := bytes.Repeat([]byte("o"), len(body))
		f.next(func(f *fake, w http.ResponseWriter, r *http.Request) {
			defer f.set("a", other)
			cut(1<<20)(f, w, r)
		})
		got, _, err = s.Get(t.Context(), "a", 1<<30)
		if err := errors.Join(err, same(got, other)); err != nil {
			t.Errorf("overwritten while it was read: %v", err)
		}
	})
}

func TestContradictingReads(t *testing.T) {
	body := []byte("0123456789abcdef")
	contentRange := func(text string) fault {
		return altered(func(h http.Header, body []byte) []byte { h.Set("Content-Range", text); return body })
	}
	for name, ft := range map[string]fault{
		"range ignored": func(f *fake, w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Range")
			f.handler(w, r)
		},
		"other range":    contentRange("bytes 5-8/16"),
		"shorter range":  contentRange("bytes 4-6/16"),
		"longer range":   contentRange("bytes 4-12/16"),
		"no range":       contentRange(""),
		"nonsense range": contentRange("bytes four-seven/16"),
		"fewer bytes":    altered(func(h http.Header, b []byte) []byte { h.Set("Content-Length", "3"); return b[:3] }),
		"unknown length": func(f *fake, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 4-7/16")
			w.WriteHeader(206)
			w.(http.Flusher).Flush()
			w.Write(body[4:8])
		},
		"compressed":      altered(func(h http.Header, b []byte) []byte { h.Set("Content-Encoding", "gzip"); return b }),
		"none of the 206": say(204, ""),
	} {
		t.Run(name, func(t *testing.T) {
			onFake(t, func(t *testing.T, f *fake, c s3.Config) {
				s := openConfig(t, c)
				f.set("a", body)
				f.always(ft)
				err := s.GetRange(t.Context(), "a", make([]byte, 4), 4)
				if !errors.Is(err, object.ErrUnreachable) {
					t.Errorf("%v, want %v", err, object.ErrUnreachable)
				}
			})
		})
	}
}

func TestShortObjects(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		s := openConfig(t, c)
		f.set("a", []byte("0123456789"))
		for _, offset := range []int64{7, 10, 99} {
			f.log()
			if err := s.GetRange(t.Context(), "a", make([]byte, 4), offset); !errors.Is(err, object.ErrShort) || len(f.log()) != 1 {
				t.Errorf("4 bytes at %d of 10: %v, want %v at once", offset, err, object.ErrShort)
			}
		}
	})
}

func TestSlowServersEnd(t *testing.T) {
	body := bytes.Repeat([]byte("x"), 1<<20)
	trickle := func(pause time.Duration) fault {
		return func(f *fake, w http.ResponseWriter, r *http.Request) {
			recorder := httptest.NewRecorder()
			f.handler(recorder, r)
			maps.Copy(w.Header(), recorder.Header())
			w.WriteHeader(recorder.Code)
			for _, b := range recorder.Body.Bytes() {
				if r.Context().Err() != nil {
					return
				}
				w.Write([]byte{b})
				w.(http.Flusher).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(pause):
				}
			}
		}
	}
	for name, c := range map[string]struct {
		times s3.Timeouts
		fault fault
	}{
		"no answer": {s3.Timeouts{Request: 100 * time.Millisecond}, hang},
		"stalls":    {s3.Timeouts{Stall: 100 * time.Millisecond}, trickle(time.Hour)},
		"trickles":  {s3.Timeouts{Request: 200 * time.Millisecond, Rate: 1 << 30}, trickle(5 * time.Millisecond)},
	} {
		t.Run(name, func(t *testing.T) {
			onFake(t, func(t *testing.T, f *fake, config s3.Config) {
				config.MaxRetries = 1
				config.Timeouts = c.times
				config.Timeouts.Pause = time.Millisecond
				var attempts atomic.Int32
				config.Debug = func(s3.RequestLog) { attempts.Add(1) }
				s := openConfig(t, config)
				f.set("a", body)
				f.always(c.fault)
				_, _, err := s.Get(t.Context(), "a", 1<<30)
				if !errors.Is(err, object.ErrUnreachable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v, want %v", err, object.ErrUnreachable)
				}
				if n := attempts.Load(); n > 2 {
					t.Errorf("%d attempts, want 2 at most", n)
				}
			})
		})
	}
}

func TestCancelEndsACall(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		s := openConfig(t, c)
		f.always(hang)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		_, err := s.Put(ctx, "a", make([]byte, 1<<20), object.PutOptions{})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want %v", err, context.Canceled)
		}
	})
}
