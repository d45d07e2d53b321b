//go:build !linux && !darwin

package alike

import "io/fs"

type inode struct{}

type owner struct{}

func ownership(fs.FileInfo) owner { return owner{} }

func inodeOf(fs.FileInfo) (inode, bool) { return inode{}, false }

func attributes(string) (map[string]string, error) { return nil, nil }
