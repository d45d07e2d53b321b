package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// startMariaDB starts a MariaDB of its own.
func startMariaDB(ctx context.Context, folder string) (engine, error) {
	mariadbd, name, err := locate(ctx, folder, "mariadbd", "/usr/sbin")
	if err != nil {
		return nil, err
	}
	data, socket := filepath.Join(folder, "data"), filepath.Join(folder, "socket")
	prepare := exec.CommandContext(ctx, "mariadb-install-db", "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
	if err := unprivileged(prepare, folder, "mysql"); err != nil {
		return nil, err
	}
	if printed, err := prepare.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mariadb-install-db: %w\n%s", err, printed)
	}
	// What is lost with the machine is made again, so nothing is synced.
	serve := exec.Command(mariadbd, "--no-defaults", "--datadir="+data, "--socket="+socket, "--skip-networking", "--pid-file="+filepath.Join(folder, "pid"),
		"--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=0", "--innodb-buffer-pool-size=512M", "--skip-log-bin")
	if err := unprivileged(serve, folder, "mysql"); err != nil {
		return nil, err
	}
	s, err := start(serve)
	if err != nil {
		return nil, err
	}
	e := &sql{
		name:   name,
		client: []string{"mariadb", "--no-defaults", "--socket=" + socket, "-u", "root", "mysql"},
		dumper: []string{"mariadb-dump", "--no-defaults", "--socket=" + socket, "-u", "root", "--single-transaction", "shop"},
		server: s,
	}
	ready, err := e.begin(ctx, "CREATE DATABASE shop;\nUSE shop;\n"+createTable)
	if err != nil {
		return nil, err
	}
	e.client[len(e.client)-1] = "shop"
	return ready, nil
}
