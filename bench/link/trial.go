package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"firn/bench/peak"
	"firn/bench/server"
)

// The steps.
const (
	upload    = "upload"    // back up to an empty repository
	unchanged = "unchanged" // again, nothing has changed
	another   = "another"   // back up a second source, with what was learnt of the link
	download  = "download"  // restore to an empty folder
	check     = "check"     // structure
	prune     = "prune"     // forget what can be forgotten, free the space
)

const (
	toolFirn   = "firn"
	toolRestic = "restic"
)

// tool is a program that is measured.
type tool struct {
	name    string
	program string
	level   string // of compression; "" for its own choice
}

// commands are what a step takes.
func (t tool) commands(step, source, target string) [][]string {
	if !strings.HasPrefix(t.name, toolFirn) {
		backup := [][]string{{"backup", "-q", source}}
		return map[string][][]string{
			setUp: {{"init", "-q"}}, upload: backup, unchanged: backup, another: {{"backup", "-q", other(source)}}, download: {{"restore", "-q", "latest", "--target", target}},
			check: {{"check", "-q"}}, prune: {{"forget", "-q", "--keep-last", "1", "--prune"}},
		}[step]
	}
	backup := []string{"backup", "-q"}
	if t.level != "" {
		backup = append(backup, "--compression", t.level)
	}
	second := append(slices.Clone(backup), other(source))
	backup = append(backup, source)
	return map[string][][]string{
		setUp: {{"init", "-q", "--generate-key", "--no-recovery-key"}}, upload: {backup}, unchanged: {backup}, another: {second},
		download: {{"restore", "-q", "latest", "--to", target}}, check: {{"check", "-q"}},
		prune: {{"forget", "-q", "--keep-last", "1", "--prune", "--grace", "0"}, {"prune", "-q", "--grace", "0"}},
	}[step]
}

// setUp makes the repository; it is not measured.
const setUp = "set up"

// trial is one run of a tool on one corpus over one link.
type trial struct {
	*settings
	shape  shape
	corpus corpus
	tool   tool
	report *report

	link        *link
	minio       *server.Server
	room        string // for the tool's cache
	target      string
	environment []string
}

func (t *trial) run(ctx context.Context) (err error) {
	if t.room, err = os.MkdirTemp(t.work, "run-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(t.room)) }()
	shelf, err := os.MkdirTemp("/dev/shm", "firn-link-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(shelf)) }()
	t.target = filepath.Join(shelf, "restored")
	if t.link, err = openLink(t.shape, t.congestion); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.link.close()) }()
	if t.minio, err = server.Start(ctx, farAddress.String(), filepath.Join(shelf, "server")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.minio.Stop()) }()
	t.environment = t.variables()
	for _, step := range append([]string{setUp}, t.corpus.steps...) {
		if err := t.take(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

func (t *trial) variables() []string {
	m := t.minio
	return []string{
		"PATH=" + os.Getenv("PATH"), "TMPDIR=" + t.room, "HOME=" + t.room,
		"AWS_ACCESS_KEY_ID=" + m.AccessKey, "AWS_SECRET_ACCESS_KEY=" + m.SecretKey, "AWS_REGION=" + m.Region,
		"FIRN_CACHE=" + t.room + "/cache", "FIRN_DRIVE=s3+" + m.Endpoint + "/" + m.Bucket + "/backups",
		"RESTIC_CACHE_DIR=" + t.room + "/cache", "RESTIC_PASSWORD=benchmark", "RESTIC_REPOSITORY=s3:" + m.Endpoint + "/" + m.Bucket,
	}
}

// take runs a step and reports what it cost.
func (t *trial) take(ctx context.Context, step string) error {
	before, err := t.minio.Requests(ctx)
	if err != nil {
		return err
	}
	o := outcome{Link: t.shape, Corpus: t.corpus.name, Tool: t.tool.name, Step: step}
	for _, args := range t.tool.commands(step, t.corpus.folder, t.target) {
		if err := t.measure(ctx, args, &o); err != nil {
			return err
		}
	}
	if step == setUp {
		return nil
	}
	after, err := t.minio.Requests(ctx)
	if err != nil {
		return err
	}
	moved := after.Since(before)
	o.Requests, o.Sent, o.Received = moved.Total, moved.In, moved.Out
	t.report.add(o)
	return nil
}

// measure runs a command at the near end of the link.
func (t *trial) measure(ctx context.Context, args []string, o *outcome) error {
	var output bytes.Buffer
	command := exec.CommandContext(ctx, t.tool.program, args...)
	command.Dir, command.Env = t.room, t.environment
	command.Stdout, command.Stderr = &output, &output
	begun := time.Now()
	if err := t.link.near.do(command.Start); err != nil {
		return err
	}
	if err := command.Wait(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", t.tool.program, strings.Join(args, " "), err, output.Bytes())
	}
	state := command.ProcessState
	o.Seconds += time.Since(begun).Seconds()
	o.Processor += (state.UserTime() + state.SystemTime()).Seconds()
	o.Peak = max(o.Peak, peak.Memory(state))
	return nil
}
