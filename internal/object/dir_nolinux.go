//go:build !linux

package object

import (
	"errors"
	"os"
)

// renameExclusive is offered by no portable call.
func renameExclusive(*os.Root, string, string) error { return errors.ErrUnsupported }
