package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"firn/internal/config"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
)

// errNoSecret means that nothing says how to open the repository.
var errNoSecret = errors.New("no passphrase and no key to open the repository with")

// noSecret is errNoSecret with what to do.
func noSecret() error {
	return advise(usage(errNoSecret), "use --passphrase-file, --key-file, FIRN_PASSPHRASE, FIRN_KEY_FILE, or the drive's settings in the configuration")
}

// A finder looks for what opens a drive's repository in one place.
type finder func(context.Context, *drive) (secret seal.Secret, found bool, err error)

// finders are the places in order, without the question on the terminal.
func (a *app) finders() []finder {
	return []finder{a.secretOfFlags, secretOfEnvironment, secretOfDrive}
}

// secret finds what opens a drive's repository: flags, environment, the
// drive's settings, a key file made by init, a question on the terminal.
func (a *app) secret(ctx context.Context, d *drive) (seal.Secret, error) {
	for _, look := range append(a.finders(), secretOfKeyFile) {
		secret, found, err := look(ctx, d)
		if found || err != nil {
			return secret, err
		}
	}
	if there, err := hasRepository(ctx, d.store); err != nil || !there {
		return seal.Secret{}, errors.Join(err, fmt.Errorf("%w (%s)", repo.ErrNoRepository, d.store.Location()))
	}
	if !terminal(os.Stdin) {
		return seal.Secret{}, noSecret()
	}
	return askSecret()
}

// hasRepository reports whether a drive has the root of a repository or a copy
// of it, without opening it.
func hasRepository(ctx context.Context, store object.Store) (bool, error) {
	for _, name := range []string{format.RootName(0), format.RootCopyName(0)} {
		for _, err := range store.List(ctx, name) {
			if err != nil {
				return false, fmt.Errorf("look for a repository: %w", err)
			}
			return true, nil
		}
	}
	return false, nil
}

func (a *app) secretOfFlags(ctx context.Context, _ *drive) (seal.Secret, bool, error) {
	f := &a.flags
	var command config.Command
	if err := command.UnmarshalText([]byte(f.passphraseCommand)); err != nil {
		return seal.Secret{}, false, usagef("--passphrase-command: %w", err)
	}
	found, err := config.FindSecret(ctx, "passphrase", f.passphraseFile, command)
	if err != nil || !found.Secret.IsZero() {
		return passphraseOf(found), err == nil, err
	}
	return fromKeyFile(f.keyFile)
}

func secretOfEnvironment(ctx context.Context, d *drive) (seal.Secret, bool, error) {
	found, err := d.set.FindPassphrase(ctx)
	if err != nil || !found.Secret.IsZero() {
		return passphraseOf(found), err == nil, err
	}
	return fromKeyFile(os.Getenv("FIRN_KEY_FILE"))
}

func secretOfDrive(_ context.Context, d *drive) (seal.Secret, bool, error) {
	return fromKeyFile(d.set.KeyFile)
}

// passphraseOf makes a secret of a text that was found.
func passphraseOf(found config.Found) seal.Secret {
	return seal.Secret{Passphrase: []byte(found.Secret.Reveal())}
}

// fromKeyFile reads a key file if one is named.
func fromKeyFile(path string) (seal.Secret, bool, error) {
	if path == "" {
		return seal.Secret{}, false, nil
	}
	secret, err := readKeyFile(path)
	return secret, err == nil, err
}

// secretOfKeyFile looks where init puts generated keys.
func secretOfKeyFile(_ context.Context, d *drive) (seal.Secret, bool, error) {
	path, err := keyFilePath(d.store.Location())
	if err != nil {
		return seal.Secret{}, false, nil
	}
	secret, err := readKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return seal.Secret{}, false, nil
	}
	return secret, err == nil, err
}

// askSecret asks on the terminal for what opens the repository.
func askSecret() (seal.Secret, error) {
	text, err := askHidden("passphrase or recovery key: ")
	if err != nil {
		return seal.Secret{}, err
	}
	if key, _, err := format.ParseSecret(string(text)); err == nil {
		return seal.Secret{Key: &key}, nil
	}
	return seal.Secret{Passphrase: text}, nil
}

// readKeyFile reads a key file or a recovery key in a file. Lines that begin
// with # are remarks.
func readKeyFile(path string) (seal.Secret, error) {
	body, err := os.ReadFile(path)
	if err != nil {
		return seal.Secret{}, fmt.Errorf("read key file: %w", err)
	}
	var text strings.Builder
	for line := range strings.Lines(string(body)) {
		if !strings.HasPrefix(line, "#") {
			text.WriteString(strings.TrimSpace(line))
		}
	}
	key, _, err := format.ParseSecret(text.String())
	if err != nil {
		return seal.Secret{}, fmt.Errorf("read key file %s: %w", path, err)
	}
	return seal.Secret{Key: &key}, nil
}

// keyFilePath is where init puts the generated key of the repository at a location.
func keyFilePath(location string) (string, error) {
	dir, err := settingsFolder()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "keys", keyName(location)+".key"), nil
}

// keyName makes a file name of a location: readable, and another one for every
// other location, for which the digits at the end stand.
func keyName(location string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, location)
	clean = strings.Join(strings.FieldsFunc(clean, func(r rune) bool { return r == '_' }), "_")
	clean = strings.TrimLeft(clean, ".")
	if len(clean) > keyNameLength {
		clean = clean[len(clean)-keyNameLength:]
	}
	sum := sha256.Sum256([]byte(location))
	return clean + "-" + hex.EncodeToString(sum[:4])
}

// keyNameLength bounds the readable part of a key file's name, in bytes.
const keyNameLength = 100

// newKey makes a random secret.
func newKey() (key [32]byte) {
	_, _ = rand.Read(key[:]) // never fails
	return key
}

// writeKeyFile writes a key file that did not exist, for its owner only.
func writeKeyFile(path string, key [32]byte, location string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make folder for the key file: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	_, err = fmt.Fprintf(f, "# Key of the Firn repository at %s\n# Whoever has it can read the backups; without it, or another key, nobody can.\n%s\n",
		location, format.FormatSecret(format.TextKey, key))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	return nil
}
