package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDriveTable holds the table of spellings in docs/drives.md to what they
// are read as, and its example to what is read at all.
func TestDriveTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "drives.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("^\\| `([^`]+)` \\| `([^`]+)` \\|$")
	rows := 0
	for line := range strings.Lines(string(text)) {
		cells := row.FindStringSubmatch(strings.TrimSpace(line))
		if cells == nil {
			continue
		}
		rows++
		written, err := ParseDrive(cells[1])
		if err != nil {
			t.Errorf("%s: %v", cells[1], err)
			continue
		}
		native, err := ParseDrive(cells[2])
		if err != nil || written.URL() != native.URL() {
			t.Errorf("%s is %s, and the page says %s (%v)", cells[1], written.URL(), cells[2], err)
		}
	}
	if rows < 15 {
		t.Errorf("%d spellings", rows)
	}
	_, example, _ := strings.Cut(string(text), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	if _, err := load("drives.yml", []byte(example), with("WASABI_KEY_ID", "x")); err != nil {
		t.Errorf("the example: %v", err)
	}
	for _, f := range fieldsOf(driveType) {
		name := strings.TrimSuffix(strings.TrimSuffix(f.key, "_command"), "_file")
		if !strings.Contains(string(text), "`"+name) && !strings.Contains(string(text), f.key+":") {
			t.Errorf("the page does not speak of %s", f.key)
		}
	}
}
