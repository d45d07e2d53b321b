package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/internal/alike"
	"firn/internal/object/s3/s3test"
)

// TestDemo runs the whole of it, as the README promises, and sees that it
// leaves nothing behind.
func TestDemo(t *testing.T) {
	s3test.Start(t, s3test.Versity) // skips where there shall be no servers
	stage := t.TempDir()
	t.Setenv("TMPDIR", stage)
	var transcript strings.Builder
	if err := run(t.Context(), s3test.Versity, &transcript); err != nil {
		t.Fatalf("%v\n%s", err, transcript.String())
	}
	for _, want := range []string{"$ firn backup tree\n", "$ firn check --read-data\n", "differences: 0", "All of it came back as it was"} {
		if !strings.Contains(transcript.String(), want) {
			t.Errorf("the transcript lacks %q:\n%s", want, transcript.String())
		}
	}
	left, err := os.ReadDir(stage)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		if strings.HasPrefix(entry.Name(), "firn-") {
			t.Errorf("%s is left behind", entry.Name())
		}
	}
}

func TestPlantIsTheSameEveryTimeAndChangeChangesIt(t *testing.T) {
	var trees [2]string
	for i := range trees {
		trees[i] = filepath.Join(t.TempDir(), "tree")
		if err := plant(t.Context(), trees[i]); err != nil {
			t.Fatal(err)
		}
	}
	compare := func() []alike.Difference {
		_, differences, err := alike.Folders(t.Context(), trees[0], trees[1])
		if err != nil {
			t.Fatal(err)
		}
		return differences
	}
	if differences := compare(); len(differences) > 0 {
		t.Errorf("planted twice, it differs: %v", differences)
	}
	if _, err := change(trees[1]); err != nil {
		t.Fatal(err)
	}
	if differences := compare(); len(differences) < 50 {
		t.Errorf("%d differences after the change, want many: %v", len(differences), differences)
	}
}

func TestGateCounts(t *testing.T) {
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "answer for "+r.Host)
	}))
	defer behind.Close()
	g, err := openGate(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	before := g.count()
	answer, err := http.Post(g.url+"/x", "text/plain", strings.NewReader("question"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	if want := "answer for " + strings.TrimPrefix(g.url, "http://"); string(text) != want {
		t.Errorf("answer %q, want %q: the host header must pass unaltered", text, want)
	}
	if got, want := g.count().since(before).String(), fmt.Sprintf("1 request (1 POST), 8 B in, %d B out", len(text)); got != want {
		t.Errorf("counted %q, want %q", got, want)
	}
	if err := g.close(); err != nil {
		t.Fatal(err)
	}
	if got := g.count().since(g.count()).String(); got != "nothing" {
		t.Errorf("no requests are %q", got)
	}
}
