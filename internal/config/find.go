package config

import (
	"os"
	"path/filepath"
	"runtime"
)

// Find finds the configuration file: the explicit one (-c), else FIRN_CONFIG,
// else the first that exists of config.yml in the user's configuration folder,
// /etc/firn/config.yml and /app/config.yml. It returns "" if there is none, and
// the places looked at, in order.
func Find(explicit string) (path string, searched []string) {
	for _, named := range []string{explicit, os.Getenv("FIRN_CONFIG")} {
		if named != "" {
			return named, []string{named}
		}
	}
	for _, path := range searchPath() {
		searched = append(searched, path)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path, searched
		}
	}
	return "", searched
}

// UserPath is the file in the user's configuration folder, which need not
// exist; "" if the user has no such folder.
func UserPath() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "firn", "config.yml")
}

func searchPath() []string {
	var list []string
	if path := UserPath(); path != "" {
		list = append(list, path)
	}
	if runtime.GOOS == "windows" {
		if dir := os.Getenv("ProgramData"); dir != "" {
			list = append(list, filepath.Join(dir, "firn", "config.yml"))
		}
		return list
	}
	return append(list, "/etc/firn/config.yml", "/app/config.yml")
}
