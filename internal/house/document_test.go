package house

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// document is what ARCHITECTURE.md says in its tables.
type document struct {
	layers  map[string]int    // package, without the module's name → layer
	beside  map[string]string // package outside the layers → purpose
	reasons map[string]string // file of more than maxLines lines → why
}

// The tables are found by the first cell of their header.
const (
	layerTable  = "layer"
	besideTable = "beside"
	reasonTable = "long file"
)

func readDocument(t *testing.T) document {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	d := document{layers: map[string]int{}, beside: map[string]string{}, reasons: map[string]string{}}
	for table, rows := range tables(string(text)) {
		for _, row := range rows {
			if row[len(row)-1] == "" {
				t.Errorf("ARCHITECTURE.md: %q has an empty last cell", row[0])
			}
			switch table {
			case layerTable:
				layer, err := strconv.Atoi(row[0])
				if err != nil {
					t.Fatalf("ARCHITECTURE.md: layer %q is not a number", row[0])
				}
				d.layers[code(t, row[1])] = layer
			case besideTable:
				d.beside[code(t, row[0])] = row[1]
			case reasonTable:
				d.reasons[code(t, row[0])] = row[1]
			}
		}
	}
	if len(d.layers) == 0 || len(d.beside) == 0 {
		t.Fatal("ARCHITECTURE.md: the tables of packages were not found")
	}
	return d
}

// tables returns the body rows of a document's Markdown tables by the first
// cell of their header.
func tables(text string) map[string][][]string {
	found := map[string][][]string{}
	header := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			header = ""
			continue
		}
		var row []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			row = append(row, strings.TrimSpace(cell))
		}
		switch {
		case header == "":
			header = row[0]
		case strings.Trim(row[0], "-:") != "":
			found[header] = append(found[header], row)
		}
	}
	return found
}

// code returns what stands in a cell between backquotes.
func code(t *testing.T, cell string) string {
	t.Helper()
	inner, ok := strings.CutPrefix(cell, "`")
	inner, closed := strings.CutSuffix(inner, "`")
	if !ok || !closed {
		t.Fatalf("ARCHITECTURE.md: %s is not between backquotes", cell)
	}
	return inner
}

func TestTables(t *testing.T) {
	found := tables("text\n\n| layer | package |\n|---|---|\n| 0 | `a` |\n| 1 | `b` |\n\n| beside | purpose |\n|:--|--:|\n| `c` | x |\n")
	if rows := found[layerTable]; len(rows) != 2 || rows[1][1] != "`b`" {
		t.Errorf("layers: %v", rows)
	}
	if rows := found[besideTable]; len(rows) != 1 || rows[0][0] != "`c`" {
		t.Errorf("beside: %v", rows)
	}
}
