//go:build !linux && !darwin

package source

// listAttributes says that there are none here.
func (c *carrier) listAttributes([]byte) (int, error) { return 0, errNoAttributes }

// getAttribute says that there are none here.
func (c *carrier) getAttribute(string, []byte) (int, error) { return 0, errNoAttributes }
