//go:build unix

package index

import "golang.org/x/sys/unix"

// allocate returns n bytes of memory and what gives them back. They lie
// outside the garbage collector's heap, which would else grow by twice as many.
func allocate(n int) ([]byte, func()) {
	memory, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n), func() {}
	}
	return memory, func() { _ = unix.Munmap(memory) } // fails for other memory than Mmap's only
}
