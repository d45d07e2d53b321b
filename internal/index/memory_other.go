//go:build !unix

package index

// allocate returns n bytes of memory and what gives them back.
func allocate(n int) ([]byte, func()) { return make([]byte, n), func() {} }
