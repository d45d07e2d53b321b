package main

import (
	"slices"

	"firn/internal/config"
	"firn/internal/policy"
)

// What the configuration says holds where the command line says nothing. Lists
// are added to.

// withDefaults completes the flags of a backup.
func (f *backupFlags) withDefaults(file *config.Config) error {
	if file == nil {
		return nil
	}
	b := &file.Backup
	f.exclude = append(slices.Clone(b.Exclude), f.exclude...)
	f.excludeFile = append(slices.Clone(b.ExcludeFiles), f.excludeFile...)
	f.oneFS = f.oneFS || b.OneFileSystem
	f.tags = append(slices.Clone(b.Tags), f.tags...)
	if f.preset == "" && len(b.Presets) > 0 {
		if len(b.Presets) > 1 {
			return usagef("%s: backup.presets: only one preset can be in force, %d are named", file.Path, len(b.Presets))
		}
		f.preset = b.Presets[0]
	}
	if f.compression == "auto" && file.Compression != "" {
		f.compression = file.Compression
	}
	if f.delta == "auto" && file.Delta != "" {
		f.delta = file.Delta
	}
	return nil
}

// retention is the configuration's policy, for a forget without rules.
func retention(file *config.Config) policy.Keep {
	if file == nil {
		return policy.Keep{}
	}
	return file.Retention.Keep()
}
