package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestCurrent fails if the reference does not say what the source says.
func TestCurrent(t *testing.T) {
	files, err := generate("..")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not current: run go generate ./internal/config (%v)", path, err)
		}
	}
}

// TestComplete: every setting is in the page and in the schema.
func TestComplete(t *testing.T) {
	groups, err := readGroups("..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := schemaOf(groups)
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]any
		Defs       map[string]struct {
			Properties map[string]struct{ Description string }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	page := string(markdownOf(groups))
	for _, g := range groups {
		for _, s := range g.settings {
			if !strings.Contains(page, "| `"+s.key+"` | ") || valueOf(&s) == "" {
				t.Errorf("the page lacks %s", s.key)
			}
			if g.name == "Config" {
				if schema.Properties[s.key] == nil {
					t.Errorf("the schema lacks %s", s.key)
				}
			} else if schema.Defs[strings.ToLower(g.name)].Properties[s.key].Description == "" {
				t.Errorf("the schema lacks %s.%s", g.name, s.key)
			}
		}
	}
	if drive := schema.Defs["drive"].Properties; drive["secret_access_key"].Description != "Another name of secret_key." {
		t.Errorf("%+v", drive["secret_access_key"])
	}
}
