package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Config is a configuration file.
type Config struct {
	// Drives are the places where backups are kept.
	Drives []Drive `yaml:"drives"`

	// Backup is what holds for every backup unless the command line says otherwise.
	Backup Backup `yaml:"backup"`

	// Retention is which snapshots forget keeps unless the command line says so.
	Retention Retention `yaml:"retention"`

	// Cache is the folder of the local cache, an absolute path. It may be
	// deleted at any time.
	Cache string `yaml:"cache"`

	// Prices is a file of prices that are laid over those Firn knows, an absolute
	// path. Estimates of cost go by it.
	Prices string `yaml:"prices"`

	// Compression is how hard new data are compressed; auto is default, fastest for big
	// files that come out about as small, and better while a backup waits for the drive.
	Compression string `yaml:"compression" enum:"auto,off,fastest,default,better,max" default:"auto"`

	// Delta is whether content that resembles what is stored is kept as what
	// changed. Off saves up to 4 GiB in the local cache.
	Delta string `yaml:"delta" enum:"auto,off" default:"auto"`

	// Path is the file the configuration was read from.
	Path string

	origins map[string]origin
}

// Backup is what holds for every backup.
type Backup struct {
	// Exclude are patterns of what to leave out, as in .gitignore.
	Exclude []string `yaml:"exclude"`

	// ExcludeFiles are files of such patterns, one on each line.
	ExcludeFiles []string `yaml:"exclude_files"`

	// OneFileSystem stays on the file system of each directory named.
	OneFileSystem bool `yaml:"one_file_system" default:"false"`

	// Presets are named lists of what is seldom worth keeping, such as system.
	Presets []string `yaml:"presets"`

	// Tags are put on every snapshot.
	Tags []string `yaml:"tags"`

	// Host is the name snapshots carry instead of the machine's.
	Host string `yaml:"host"`
}

// Load reads a configuration file and expands the environment variables in its
// values. It returns all mistakes found, each an *Error, joined.
func Load(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return load(path, text, environment)
}

func load(path string, text []byte, look lookup) (*Config, error) {
	d := &decoder{file: path, look: look, origins: map[string]origin{}}
	c := d.config(text)
	if len(d.errs) > 0 {
		return nil, errors.Join(d.errs...)
	}
	return c, nil
}

// config decodes and checks a configuration.
func (d *decoder) config(text []byte) *Config {
	c := &Config{Path: d.file, origins: d.origins}
	if d.decode(text, c) == nil {
		c.checkDrives(d)
		c.checkRest(d)
	}
	return c
}

// mistake reports what is wrong with the value that key names.
func (d *decoder) mistake(key, format string, values ...any) {
	at := d.origins[key]
	d.errs = append(d.errs, &Error{d.file, at.line, at.column, key, fmt.Sprintf(format, values...)})
}

// checkDrives refuses drives with one label or in one directory.
func (c *Config) checkDrives(d *decoder) {
	labels, homes := map[string]int{}, map[string]int{}
	for i := range c.Drives {
		drive := &c.Drives[i]
		name := LabelName(drive.Label)
		if first, taken := labels[name]; taken {
			d.mistake(fmt.Sprintf("drives[%d].label", i), "%q is taken by drives[%d], %q: labels differ in more than case and in blanks or -",
				drive.Label, first, c.Drives[first].Label)
		}
		labels[name] = i
		home := drive.home()
		if first, taken := homes[home]; taken {
			key := "bucket"
			if drive.Provider == Local {
				key = "path"
			}
			d.mistake(fmt.Sprintf("drives[%d].%s", i, key), "is the same directory as that of drives[%d], %q: one drive owns a directory",
				first, c.Drives[first].Label)
		}
		homes[home] = i
	}
}

// checkRest checks what is not a drive.
func (c *Config) checkRest(d *decoder) {
	for key, value := range map[string]*string{"cache": &c.Cache, "prices": &c.Prices} {
		if *value == "" {
			continue
		}
		path, err := homePath(*value)
		if err != nil || !filepath.IsAbs(path) {
			d.mistake(key, "%q is not an absolute path", *value)
		}
		*value = path
	}
	r := &c.Retention
	if (r.By == "") != (r.Value == 0) {
		d.mistake("retention", "by and value go together: one of them is missing")
	}
	if r.By == "age" && !r.KeepWithin.IsZero() || r.By == "count" && r.KeepLast != 0 {
		d.mistake("retention.by", "%s says the same as keep_within or keep_last: one of them must go", r.By)
	}
	keep := r.Keep()
	if r.Enabled != nil && *r.Enabled && keep.Empty() {
		d.mistake("retention.enabled", "says true, and no rule says what to keep")
	}
}

// Drive finds a drive by its label, with or without @, in any case and with -
// for blanks.
func (c *Config) Drive(label string) (Drive, error) {
	for _, d := range c.Drives {
		if LabelName(d.Label) == LabelName(strings.TrimPrefix(label, "@")) {
			return d, nil
		}
	}
	return Drive{}, notConfigured(label, c.Labels())
}

// notConfigured is the error for a label that is none of those configured.
func notConfigured(label string, labels []string) error {
	name := LabelName(strings.TrimPrefix(label, "@"))
	if len(labels) == 0 {
		return fmt.Errorf("%w: @%s: no drives are configured", ErrDrive, name)
	}
	names := make([]string, len(labels))
	for i := range labels {
		names[i] = LabelName(labels[i])
	}
	text := "there are @" + strings.Join(names, ", @")
	if near := nearest(name, names); near != "" {
		text = "did you mean @" + near + "? " + strings.ToUpper(text[:1]) + text[1:]
	}
	return fmt.Errorf("%w: @%s is not configured; %s", ErrDrive, name, text)
}
