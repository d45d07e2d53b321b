package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// startPostgres starts a PostgreSQL of its own.
func startPostgres(ctx context.Context, folder string) (engine, error) {
	const packages = "/usr/lib/postgresql/*/bin"
	initdb, err := find("initdb", packages)
	if err != nil {
		return nil, err
	}
	postgres, name, err := locate(ctx, folder, "postgres", packages)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(folder, "data")
	prepare := exec.CommandContext(ctx, initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	// Its server refuses to run as root.
	if err := unprivileged(prepare, folder, "postgres"); err != nil {
		return nil, err
	}
	if printed, err := prepare.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, printed)
	}
	// What is lost with the machine is made again, so nothing is synced. Vacuum comes each night, not when it likes.
	serve := exec.Command(postgres, "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "synchronous_commit=off",
		"-c", "full_page_writes=off", "-c", "autovacuum=off", "-c", "max_wal_size=256MB", "-c", "log_min_messages=error")
	if err := unprivileged(serve, folder, "postgres"); err != nil {
		return nil, err
	}
	s, err := start(serve)
	if err != nil {
		return nil, err
	}
	e := &sql{
		name:      name,
		client:    []string{"psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", folder, "-U", "postgres", "postgres"},
		dumper:    []string{"pg_dump", "-h", folder, "-U", "postgres", "postgres"},
		overnight: "VACUUM orders;\n", server: s,
	}
	return e.begin(ctx, createTable)
}
