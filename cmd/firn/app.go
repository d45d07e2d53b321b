package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"firn/internal/config"
	"firn/internal/object"
)

// app is what all commands share.
type app struct {
	out   *output
	flags flags
	file  *config.Config // nil until loaded, or when there is none
	talk  *dialogue      // nil until somebody was asked

	up, down *object.Bandwidth // of all drives together; nil: no limit
}

// flags are the global flags.
type flags struct {
	config            string
	drives            []string
	local             bool
	json              bool
	quiet             bool
	verbose           bool
	debug             bool
	noProgress        bool
	cache             string
	host              string
	passphraseFile    string
	passphraseCommand string
	keyFile           string
	trust             string
	classOptional     bool
	prices            string
	limitUpload       config.Rate
	limitDownload     config.Rate
	settings          []config.Option // of the drive, as flags
}

func newApp() *app {
	return &app{out: newOutput(os.Stdout, os.Stderr)}
}

func (a *app) globalFlags(fl *pflag.FlagSet) {
	f := &a.flags
	fl.StringVarP(&f.config, "config", "c", "", "configuration `FILE` (default: see 'firn config path')")
	fl.StringArrayVarP(&f.drives, "drive", "d", nil, "`DRIVE` to use: @label of the configuration, a URL, or a folder (repeat for several)")
	fl.BoolVar(&f.local, "local", false, "use the repository in your data folder")
	fl.BoolVar(&f.json, "json", false, "write JSON lines")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing but errors and what was asked for")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "say more")
	fl.BoolVar(&f.debug, "debug", false, "log each request to a bucket")
	fl.BoolVar(&f.noProgress, "no-progress", false, "show no progress")
	fl.StringVar(&f.cache, "cache", "", "cache `FOLDER` (default: your cache folder; \"none\" for a temporary one)")
	fl.StringVar(&f.host, "host", "", "name of this `HOST` in snapshots (default: FIRN_HOST, else the machine's)")
	fl.StringVar(&f.passphraseFile, "passphrase-file", "", "`FILE` with the passphrase")
	fl.StringVar(&f.passphraseCommand, "passphrase-command", "", "`COMMAND` that prints the passphrase")
	fl.StringVar(&f.keyFile, "key-file", "", "`FILE` with the key that opens the repository")
	fl.StringVar(&f.trust, "trust", "", "whose stored chunks to build on: `WHOSE`, own, vetted or all (default: all, or as the configuration says)")
	fl.BoolVar(&f.classOptional, "class-optional", false, "go on where a server refuses the storage class or the encryption it is asked for")
	fl.StringVar(&f.prices, "prices", "", "`FILE` of prices for estimates of cost, laid over those that Firn knows")
	fl.Var(rateFlag{&f.limitUpload}, "limit-upload", "send at most so many bytes per second to all drives together: `RATE`, as 5MB or 500KiB")
	fl.Var(rateFlag{&f.limitDownload}, "limit-download", "receive at most so many bytes per second from all drives together: `RATE`")
	a.settingFlags(fl)
	cobra.OnInitialize(a.settle)
}

// completeDrive offers the configured drives to the shell.
func (a *app) completeDrive(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	file, err := a.loadConfig()
	if err != nil || file == nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	for _, d := range file.Drives {
		names = append(names, "@"+config.LabelName(d.Label))
	}
	return names, cobra.ShellCompDirectiveDefault
}

// settle puts the global flags into force.
func (a *app) settle() {
	a.out.json, a.out.quiet, a.out.verbose = a.flags.json, a.flags.quiet, a.flags.verbose || a.flags.debug
	a.out.noProgress = a.flags.noProgress
	a.up, a.down = object.NewBandwidth(int64(a.flags.limitUpload)), object.NewBandwidth(int64(a.flags.limitDownload))
	a.out.tty = terminal(os.Stderr)
	a.out.bothTTY = a.out.tty && terminal(os.Stdout)
}

// errorJSON is the line that ends a failed command with --json.
type errorJSON struct {
	Error  string `json:"error"`
	Advice string `json:"advice"`
	Code   int    `json:"code"`
}

// end reports an error and returns the exit code.
func (a *app) end(cmd *cobra.Command, err error) int {
	if failed := a.out.end(); failed != nil {
		err = errors.Join(err, failed)
	}
	if err == nil {
		return exitDone
	}
	name := "firn"
	if cmd != nil {
		name = cmd.CommandPath()
	}
	code, advice := explain(err)
	if code == exitUsage && advice == "" {
		advice = fmt.Sprintf("see '%s --help'", name)
	}
	text := strings.TrimSpace(strings.ReplaceAll(err.Error(), "\n", "\n  "))
	if code == exitInterrupted {
		text = errInterrupted.Error()
	}
	if a.out.json {
		a.out.emitTo(a.out.stderr, "error", errorJSON{text, advice, code})
		return code
	}
	fmt.Fprintf(a.out.stderr, "%s: %s\n", name, text)
	if advice != "" {
		fmt.Fprintf(a.out.stderr, "  %s\n", advice)
	}
	return code
}

// host returns this machine's name in snapshots.
func (a *app) host() string {
	for _, name := range []string{a.flags.host, os.Getenv("FIRN_HOST")} {
		if name != "" {
			return name
		}
	}
	if a.file != nil && a.file.Backup.Host != "" {
		return a.file.Backup.Host
	}
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "unknown"
	}
	return name
}

// cacheRoot returns the folder caches are in; "" for a temporary one.
func (a *app) cacheRoot() string {
	for _, dir := range []string{a.flags.cache, os.Getenv("FIRN_CACHE")} {
		switch dir {
		case "":
		case "none":
			return ""
		default:
			return dir
		}
	}
	if a.file != nil && a.file.Cache != "" {
		return a.file.Cache
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "firn")
}

// dataFolder is where the repository of --local is.
func dataFolder() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "firn"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find your data folder: %w", err)
	}
	return filepath.Join(home, ".local", "share", "firn"), nil
}

// settingsFolder is where key files go.
func settingsFolder() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find your configuration folder: %w", err)
	}
	return filepath.Join(dir, "firn"), nil
}

// loadConfig reads the configuration file, if there is one.
func (a *app) loadConfig() (*config.Config, error) {
	if a.file != nil {
		return a.file, nil
	}
	path, _ := config.Find(a.flags.config)
	if path == "" {
		return nil, nil
	}
	file, err := config.Load(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) && a.flags.config == "" {
			return nil, nil
		}
		return nil, usage(err)
	}
	a.file = file
	return file, nil
}
