package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/internal/config"
	"firn/internal/format"
	"firn/internal/thaw"
)

// TestPlanInDocument holds the plan in docs/storage-classes.md to what is shown with
// the prices that are shipped.
func TestPlanInDocument(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("FIRN_CONFIG", "")
	p := &thaw.Plan{}
	add := func(n int, class string, state thaw.State) {
		for range n {
			pack := thaw.Pack{Name: format.PackName{Kind: format.KindData}, Size: 32 << 20, Class: class, State: state}
			if state == thaw.Thawed {
				pack.Until = time.Date(2026, 11, 24, 0, 0, 0, 0, time.Local)
			}
			p.Packs = append(p.Packs, pack)
		}
	}
	add(4096, "DEEP_ARCHIVE", thaw.Frozen)
	add(640, "GLACIER", thaw.Frozen)
	add(64, "GLACIER", thaw.Asked)
	add(128, "GLACIER", thaw.Thawed)
	add(72, "STANDARD", thaw.Readable)
	var said bytes.Buffer
	a := newApp()
	a.out = newOutput(&said, &said)
	d := &drive{label: "aws", set: config.Drive{Provider: config.S3, Vendor: "aws", Region: "us-east-1", Bucket: "company-backups"}}
	if err := a.tellPlan(d, p, defaultDays); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "storage-classes.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```\n"+said.String()+"```\n") {
		t.Errorf("docs/storage-classes.md shows another plan than this:\n%s", said.String())
	}
}
