package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"firn/internal/config"
	"firn/internal/repo"
)

// guide leads through the making of a first repository on a terminal: where,
// what opens it, a name in the configuration, and what to do next.
func (a *app) guide(ctx context.Context) error {
	q := a.dialogue()
	set, err := a.askPlace(q)
	if err != nil {
		return err
	}
	d, err := a.reach(ctx, &set)
	if err != nil {
		return err
	}
	f := &initFlags{}
	q.tell("\nA generated key file opens the repository unattended; a passphrase is asked for each time.")
	how, err := q.need("open it with a key file or a passphrase? (key/passphrase)", "key", func(answer string) error {
		if answer != "key" && answer != "passphrase" {
			return errors.New("key or passphrase?")
		}
		return nil
	})
	if err != nil {
		return err
	}
	f.generate = how == "key"
	secret, made, err := f.secret(ctx, a, d)
	if err != nil {
		return err
	}
	name, err := a.askName(q, &set)
	if err != nil {
		return err
	}
	if err := a.createRepository(ctx, d, secret, made, true); err != nil {
		return err
	}
	a.nextSteps(a.keep(d, name, made), made != nil)
	return nil
}

// askPlace asks where the backups go.
func (a *app) askPlace(q *dialogue) (config.Drive, error) {
	q.tell("Where shall the backups go?\n" +
		"  1  a folder: another disk, a USB drive, a network share\n" +
		"  2  a bucket of S3-compatible storage")
	for {
		answer, err := q.ask("1 or 2", "2")
		switch {
		case err != nil:
			return config.Drive{}, err
		case answer == "1":
			return askFolder(q)
		case answer == "2":
			return a.askBucket(q)
		}
	}
}

func askFolder(q *dialogue) (set config.Drive, err error) {
	local, err := localDrive()
	if err != nil {
		return set, err
	}
	_, err = q.need("folder", local.Path, func(answer string) error {
		if !strings.ContainsAny(answer, `/\@:`) {
			answer = "." + string(filepath.Separator) + answer // a bare word might be a label
		}
		set, err = config.ParseDrive(answer)
		if err == nil && set.Provider != config.Local {
			return errors.New("that is no folder")
		}
		return err
	})
	return set, err
}

// reach connects to the place and makes sure that a repository can be made
// there. A bucket that does not exist is created, if that is wanted.
func (a *app) reach(ctx context.Context, set *config.Drive) (*drive, error) {
	d, there, err := a.lookInto(ctx, set)
	if err != nil {
		return nil, err
	}
	if there {
		return nil, fmt.Errorf("%w (%s)", repo.ErrExists, d.store.Location())
	}
	a.name(set)
	return d, nil
}

// askName asks under which name the configuration shall know the drive.
func (a *app) askName(q *dialogue, set *config.Drive) (string, error) {
	name := set.Vendor
	if set.Provider == config.Local {
		name = filepath.Base(set.Path)
	}
	file, err := a.loadConfig()
	if err != nil {
		return "", err
	}
	return q.need("name of this drive in the configuration", name, func(answer string) error {
		if config.LabelName(answer) == "" {
			return errors.New("a name has letters or digits")
		}
		if file == nil {
			return nil
		}
		if _, err := file.Drive(answer); err == nil {
			return errors.New("the configuration has a drive of that name")
		}
		return nil
	})
}

// keep writes the drive into the configuration and returns how -d names it.
// Where that fails, the drive's URL names it.
func (a *app) keep(d *drive, name string, made *keyFile) string {
	set := d.set
	set.Label, set.CreateBucket = name, false // it exists by now
	if made != nil {
		set.KeyFile = made.path
	}
	edit, err := a.editConfig()
	if err == nil {
		err = edit.AddDrive(set)
	}
	if err == nil {
		err = edit.Save()
	}
	if err != nil {
		a.out.warn("the drive could not be put into the configuration: %v", err)
		return quoted(d.set.URL())
	}
	a.out.say("drive @%s is in %s", config.LabelName(name), edit.Path())
	return "@" + config.LabelName(name)
}

// quoted is a word for a shell.
func quoted(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\n'\"\\$&|;<>()*?[]#~=%`!{}") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// nextSteps prints what to do with a new repository.
func (a *app) nextSteps(drive string, unattended bool) {
	what := "/home /etc"
	if home, err := os.UserHomeDir(); err == nil && os.Geteuid() != 0 {
		what = quoted(home)
	}
	program, err := os.Executable()
	if err != nil {
		program = "firn"
	}
	if !unattended {
		a.out.say("\nUnattended use needs the passphrase in a file: set passphrase_file in the configuration, or FIRN_PASSPHRASE_FILE.")
	}
	a.out.say(`
Back up:
  firn backup -d %[1]s %[2]s
Restore:
  firn restore -d %[1]s latest --to /tmp/restored
Every night at 3:30, a line for 'crontab -e' (the README has a systemd timer):
  30 3 * * *  %[3]s backup -q -d %[1]s %[2]s && %[3]s forget -q -d %[1]s --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --prune`,
		drive, what, quoted(program))
}

// askDrive asks the one question of a first backup without a drive, and makes
// the repository there if there is none.
func (a *app) askDrive(ctx context.Context) ([]config.Drive, error) {
	local, err := localDrive()
	if err != nil {
		return nil, err
	}
	q := a.dialogue()
	q.tell("Where shall the backups go? A folder such as /mnt/usb, or a bucket such as s3://name/prefix?vendor=wasabi;\n" +
		"Enter takes a folder on this machine, which helps against mistakes, not against the loss of the disk.")
	var set config.Drive
	_, err = q.need("drive", local.Path, func(answer string) (err error) {
		set, err = config.ParseDrive(answer)
		return err
	})
	if err != nil {
		return nil, err
	}
	if set.Provider == config.Local && set.Path == local.Path {
		return []config.Drive{local}, a.ensureLocal(ctx, &local)
	}
	d, there, err := a.lookInto(ctx, &set)
	if err != nil {
		return nil, err
	}
	var made *keyFile
	if !there {
		if made, err = newKeyFile(d); err != nil {
			return nil, err
		}
		if err := a.createRepository(ctx, d, made.secret(), made, true); err != nil {
			return nil, err
		}
	}
	a.keep(d, set.FreeLabel(a.file.Labels()), made)
	return []config.Drive{set}, nil
}
