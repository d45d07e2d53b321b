// Command firn backs up files to S3-compatible object storage and local
// folders, and brings them back.
//
// One file per command; app.go wires what they share: flags, drives, keys,
// output. Nothing is decided here that a package below could decide.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run()) }

// run is main with an exit code, so that transcripts can run it in process.
func run() int {
	limitMemory()
	ctx, stop := interruptible()
	defer stop()
	a := newApp()
	root := newRootCommand(a)
	cmd, err := root.ExecuteContextC(ctx)
	if ctx.Err() != nil && (err != nil) {
		err = errors.Join(errInterrupted, err)
	}
	return a.end(cmd, err)
}

// limitMemory makes the collector work harder instead of letting the heap of
// long-lived buffers double. GOGC and GOMEMLIMIT still win.
func limitMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

const gcPercent = 15

// interruptible is a context that ends with the first interrupt; the second
// ends the program.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			leaveQuestion()
			fmt.Fprintln(os.Stderr, "firn: interrupted, keeping what was done; once more to stop at once")
			cancel()
		case <-done:
			return
		}
		select {
		case <-signals:
			os.Exit(exitInterrupted)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

func newRootCommand(a *app) *cobra.Command {
	cobra.EnableCommandSorting = false
	root := &cobra.Command{
		Use:   "firn",
		Short: "Deduplicated, compressed, encrypted backups on S3-compatible storage",
		Long: `firn keeps snapshots of files: deduplicated, compressed and encrypted, on
S3-compatible storage or in a folder.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		Args:              unknownCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	a.globalFlags(root.PersistentFlags())
	root.AddGroup(groups...)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add(groupBackup, newInitCommand(a), newBackupCommand(a), newRestoreCommand(a), newThawCommand(a))
	add(groupLook, newSnapshotsCommand(a), newLsCommand(a), newCatCommand(a), newFindCommand(a), newDiffCommand(a), newStatsCommand(a))
	add(groupCare, newCheckCommand(a), newRepairCommand(a), newForgetCommand(a), newPruneCommand(a), newCostCommand(a), newKeyCommand(a), newTrustCommand(a), newDistrustCommand(a), newAuditCommand(a))
	add(groupDrive, newDriveCommand(a), newHealthCommand(a), newConfigCommand(a))
	add("", newVersionCommand(a), newManCommand())
	must(root.RegisterFlagCompletionFunc("drive", a.completeDrive))
	root.SetGlobalNormalizationFunc(dashed)
	prepareHelp(root)
	root.InitDefaultCompletionCmd()
	strict(root)
	return root
}

// strict makes wrong flags and arguments usage errors everywhere below a
// command.
func strict(c *cobra.Command) {
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if check(cmd, args) == nil {
				return nil
			}
			if !cmd.HasParent() {
				return usage(check(cmd, args))
			}
			return usagef("%s: not how it is called: %s %s", count(uint64(len(args)), "argument", "arguments"), cmd.Parent().CommandPath(), cmd.Use)
		}
	}
	if c.Run == nil && c.RunE == nil { // only a name for the commands below it
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := unknownCommand(cmd, args); err != nil {
				return usage(err)
			}
			return nil
		}
		c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	for _, sub := range c.Commands() {
		strict(sub)
	}
}

// unknownCommand refuses arguments where only the name of a command could
// stand, and says what was probably meant.
func unknownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	c.SuggestionsMinimumDistance = 2
	text := fmt.Sprintf("there is no command %q", c.CommandPath()+" "+args[0])
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return errors.New(text)
}
