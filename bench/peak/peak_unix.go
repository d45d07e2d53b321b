//go:build linux || darwin

// Package peak tells how much memory a process needed. The benchmarks use it.
package peak

import (
	"os"
	"runtime"
	"syscall"
)

// Memory returns the most resident memory that a process had, in bytes; 0 where the system
// does not tell. Linux counts what its parent had when it was started as its own.
func Memory(state *os.ProcessState) int64 {
	peak := state.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS == "linux" {
		peak *= 1024
	}
	return peak
}
