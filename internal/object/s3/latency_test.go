package s3_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"firn/internal/object/s3"
)

// TestMeasureAll: servers that answer come first, whatever they answer; those
// that do not are told with the reason.
func TestMeasureAll(t *testing.T) {
	t.Setenv("NO_PROXY", "127.0.0.1")
	signed := false
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signed = signed || r.Header.Get("Authorization") != "" || r.Method != http.MethodHead || r.URL.Path != "/"
		w.WriteHeader(http.StatusForbidden)
	}))
	defer up.Close()
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	found := s3.MeasureAll(t.Context(), []string{down.URL, up.URL, "https://[::1"})
	if len(found) != 3 || found[0].Endpoint != up.URL || found[0].Err != nil || found[0].Connect <= 0 || found[0].Answer <= 0 {
		t.Errorf("%+v", found)
	}
	for _, m := range found[1:] {
		if m.Err == nil || m.Connect != 0 || m.Answer != 0 {
			t.Errorf("%+v", m)
		}
	}
	if signed {
		t.Error("more than HEAD / without keys was asked")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if found := s3.MeasureAll(ended, []string{up.URL}); !errors.Is(found[0].Err, context.Canceled) {
		t.Errorf("%+v", found)
	}
}
