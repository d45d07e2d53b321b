package target

import "strings"

// walk opens a directory below f one name at a time.
func (f folder) walk(path string) (folder, error) {
	at := f
	for {
		name, rest, more := strings.Cut(path, "/")
		next, err := at.openStep(name)
		if at != f {
			at.close()
		}
		if err != nil || !more {
			return next, err
		}
		at, path = next, rest
	}
}
