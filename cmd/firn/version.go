package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"firn/internal/repo"
)

// version is set by the build (-ldflags "-X main.version=…").
var version = ""

// versionText names this build.
func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development"
}

func init() { repo.Program = "firn " + versionText() }

// formatVersion is the repository format that is written.
const formatVersion = 1

// versionJSON is what this program is.
type versionJSON struct {
	Version string `json:"version"`
	Format  int    `json:"format"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version",
		Example: `  firn version
  firn version --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			a.out.emit("version", versionJSON{versionText(), formatVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH})
			a.out.print("firn %s, repository format %d, %s, %s/%s", versionText(), formatVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}

// newManCommand writes a manual page for each command.
func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man FOLDER",
		Short:   "Write manual pages into a folder",
		Example: `  firn man /usr/local/share/man/man1`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("make folder for manual pages: %w", err)
			}
			return writeManual(cmd.Root(), args[0])
		},
	}
}

// writeManual writes the page of a command and of those below it.
func writeManual(c *cobra.Command, folder string) error {
	if c.Hidden {
		return nil
	}
	name := manualName(c) + ".1"
	if err := os.WriteFile(filepath.Join(folder, name), manualPage(c), 0o644); err != nil {
		return fmt.Errorf("write manual page: %w", err)
	}
	for _, sub := range c.Commands() {
		if err := writeManual(sub, folder); err != nil {
			return err
		}
	}
	return nil
}
