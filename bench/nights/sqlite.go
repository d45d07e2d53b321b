package main

import (
	"context"
	"path/filepath"
)

// openSQLite makes a database in a file.
func openSQLite(ctx context.Context, folder string) (engine, error) {
	sqlite, name, err := locate(ctx, folder, "sqlite3")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "orders.db")
	e := &sql{name: "SQLite " + name, client: []string{sqlite, "-bail", file}, dumper: []string{sqlite, file, ".dump"}}
	return e.begin(ctx, createTable)
}
