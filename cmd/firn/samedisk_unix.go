//go:build unix

package main

import (
	"os"
	"syscall"

	"firn/internal/config"
)

// warnSameDisk says so when a repository is on the disk of what it is to
// protect: it helps against mistakes, not against the loss of the disk.
func (a *app) warnSameDisk(d *drive, sources []string) {
	if d.set.Provider != config.Local {
		return
	}
	disk, ok := deviceOf(d.set.Path)
	if !ok {
		return
	}
	for _, s := range sources {
		if own, ok := deviceOf(s); ok && own == disk {
			a.out.note("note: this repository is on the same disk as %s; it is no off-site backup", printable(s))
			return
		}
	}
}

func deviceOf(path string) (uint64, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return uint64(s.Dev), true //nolint:unconvert // the type differs by system
}
