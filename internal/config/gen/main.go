// Command gen writes the reference of the configuration file, as Markdown, as
// JSON Schema and as sentences for the program's help, from the structs of
// package config and their comments, and the page of providers from the data on
// vendors, so that none can say something else than the program does. go
// generate runs it in the package's folder; its test fails if the files are not
// current.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"firn/internal/config"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// run writes all files for the package in a folder.
func run(dir string) error {
	files, err := generate(dir)
	if err != nil {
		return err
	}
	for path, text := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the files by path. The schema is there twice: the program
// embeds it, and editors find it among the documents.
func generate(dir string) (map[string][]byte, error) {
	groups, err := readGroups(dir)
	if err != nil {
		return nil, fmt.Errorf("read package config: %w", err)
	}
	schema, err := schemaOf(groups)
	if err != nil {
		return nil, fmt.Errorf("make schema: %w", err)
	}
	about, err := aboutOf(groups)
	if err != nil {
		return nil, fmt.Errorf("write sentences: %w", err)
	}
	docs := filepath.Join(dir, "..", "..", "docs")
	return map[string][]byte{
		filepath.Join(dir, "config.schema.json"):  schema,
		filepath.Join(docs, "config.schema.json"): schema,
		filepath.Join(docs, "config.md"):          markdownOf(groups),
		filepath.Join(docs, "providers.md"):       providersOf(config.Vendors()),
		filepath.Join(dir, "about.go"):            about,
	}, nil
}
