package source

import "golang.org/x/sys/unix"

// listAttributes writes the names of c's attributes to dst, a zero byte behind each.
func (c *carrier) listAttributes(dst []byte) (int, error) {
	list := unix.Llistxattr
	if c.follow {
		list = unix.Listxattr
	}
	n, err := list(c.path, dst)
	return n, attributeError(err)
}

// getAttribute writes the value of an attribute to dst.
func (c *carrier) getAttribute(attribute string, dst []byte) (int, error) {
	get := unix.Lgetxattr
	if c.follow {
		get = unix.Getxattr
	}
	n, err := get(c.path, attribute, dst)
	return n, attributeError(err)
}

func attributeError(err error) error {
	switch err {
	case unix.ENOTSUP:
		return errNoAttributes
	case unix.ENOATTR:
		return errAttributeGone
	case unix.ERANGE:
		return errAttributeRoom
	}
	return err
}
