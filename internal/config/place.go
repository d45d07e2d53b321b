package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

func (d *Drive) completePath(p *problems) {
	if d.Path == "" {
		p.add("path", "missing: name the folder")
		return
	}
	path, err := homePath(d.Path)
	switch {
	case err != nil:
		p.add("path", "%v", err)
	case strings.ContainsRune(path, 0):
		p.add("path", "holds a zero byte")
	case !filepath.IsAbs(path):
		p.add("path", "%q is not absolute, so that it would change with the current folder", d.Path)
	default:
		d.Path = filepath.Clean(path)
	}
}

// homePath puts the user's home folder in place of a ~ at the beginning.
func homePath(path string) (string, error) {
	if path != "~" && !strings.HasPrefix(path, "~/") {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find home folder: %w", err)
	}
	return filepath.Join(home, path[1:]), nil
}

// completePrefix brings prefix or backup_directory into one spelling of the
// prefix, without slashes around it.
func (d *Drive) completePrefix(p *problems) {
	if d.BackupDirectory != "" {
		if err := checkDirectory(d.BackupDirectory); err != nil {
			p.add("backup_directory", "%v", err)
			return
		}
		if d.Prefix != "" {
			p.add("prefix", "given with backup_directory, which means the same: one of them must go")
			return
		}
		d.BackupDirectory = "/" + strings.Trim(d.BackupDirectory, "/")
		return
	}
	d.Prefix = strings.Trim(d.Prefix, "/")
	if d.Prefix == "" {
		return
	}
	for part := range strings.SplitSeq(d.Prefix, "/") {
		if part == "" || part == "." || part == ".." {
			p.add("prefix", "%q has an empty part, . or .., which servers treat in different ways", d.Prefix)
			return
		}
	}
	switch {
	case len(d.Prefix) > 512:
		p.add("prefix", "longer than 512 bytes: names in a bucket have 1024 at most")
	case !printable(d.Prefix):
		p.add("prefix", "%q holds characters that cannot be shown", d.Prefix)
	}
}

// checkDirectory checks a backup directory.
func checkDirectory(dir string) error {
	for _, r := range dir {
		if r != '/' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)) {
			return fmt.Errorf("%q holds %q: only A-Z a-z 0-9 and / are allowed, which every server keeps as they are in the names of objects; prefix allows more", dir, r)
		}
	}
	switch {
	case !strings.HasPrefix(dir, "/"):
		return fmt.Errorf("%q is not absolute: write /%s", dir, dir)
	case strings.Trim(dir, "/") == "":
		return fmt.Errorf("%q is the whole bucket: name a directory, as /firn, or leave backup_directory out", dir)
	case strings.Contains(strings.Trim(dir, "/"), "//"):
		return fmt.Errorf("%q has an empty part", dir)
	}
	return nil
}

// KeyPrefix is what stands before the names of all objects of an S3 drive: ""
// or a text that ends with a slash.
func (d *Drive) KeyPrefix() string {
	prefix := strings.Trim(d.Prefix, "/")
	if d.BackupDirectory != "" {
		prefix = strings.Trim(d.BackupDirectory, "/")
	}
	if prefix == "" {
		return ""
	}
	return prefix + "/"
}
