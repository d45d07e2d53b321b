package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"time"
)

const (
	mostSecret  = 64 << 10 // bytes of a file or an output that holds a secret
	commandTime = time.Minute
)

// Found is a secret and where it came from, in words to show.
type Found struct {
	Secret Secret
	From   string
}

// find takes the secret that the settings key, key_file and key_command name;
// it is zero if none of them is given. Errors do not hold the secret.
func (d *Drive) find(ctx context.Context, key string) (Found, error) {
	value := reflect.ValueOf(d).Elem()
	get := func(key string) any {
		f, _ := fieldOf(driveType, key)
		return value.Field(f.index).Interface()
	}
	secret, _ := get(key).(Secret)
	file, _ := get(key + "_file").(string)
	command, _ := get(key + "_command").(Command)
	return findSecret(ctx, key, secret, file, command)
}

func findSecret(ctx context.Context, key string, secret Secret, file string, command Command) (Found, error) {
	switch {
	case !secret.IsZero():
		return Found{secret, key}, nil
	case file != "":
		secret, err := readSecret(file)
		if err != nil {
			return Found{}, fmt.Errorf("read %s_file: %w", key, err)
		}
		return Found{secret, key + "_file " + file}, nil
	case len(command) > 0:
		secret, err := runForSecret(ctx, command)
		if err != nil {
			return Found{}, fmt.Errorf("run %s_command: %w", key, err)
		}
		return Found{secret, key + "_command " + command[0]}, nil
	}
	return Found{}, nil
}

// readSecret reads a secret from a file; the line's end is not a part of it.
func readSecret(path string) (Secret, error) {
	path, err := homePath(path)
	if err != nil {
		return Secret{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return Secret{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostSecret+1))
	if err != nil {
		return Secret{}, err
	}
	secret, err := oneLine(text)
	if err != nil {
		return Secret{}, fmt.Errorf("%s: %w", path, err)
	}
	return secret, nil
}

// oneLine takes the one line of a text.
func oneLine(text []byte) (Secret, error) {
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	switch {
	case len(text) > mostSecret:
		return Secret{}, fmt.Errorf("more than %d bytes", mostSecret)
	case len(text) == 0:
		return Secret{}, errors.New("nothing in it")
	case bytes.ContainsAny(text, "\r\n\x00"):
		return Secret{}, errors.New("more than one line")
	}
	return NewSecret(string(text)), nil
}

// runForSecret runs a command for a minute at most and takes the line it
// prints. What it says of errors is a part of the error.
func runForSecret(ctx context.Context, command Command) (Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	var out, complaint cappedBuffer
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	cmd.WaitDelay = time.Second // its children may hold the pipes open
	err := cmd.Run()
	if err == nil {
		secret, err := oneLine(out.text)
		if err != nil {
			return Secret{}, fmt.Errorf("%s: output: %w", command[0], err)
		}
		return secret, nil
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	err = fmt.Errorf("%s: %w", command[0], err)
	said := strings.TrimSpace(strings.ToValidUTF8(string(complaint.text[:min(len(complaint.text), 1000)]), "?"))
	if printed := strings.TrimSpace(string(out.text)); printed != "" {
		said = strings.ReplaceAll(said, printed, "***")
	}
	if said != "" {
		err = fmt.Errorf("%w: %s", err, said)
	}
	return Secret{}, err
}

// cappedBuffer keeps the beginning of what is written to it, a byte more than
// a secret may have.
type cappedBuffer struct{ text []byte }

// Write takes everything and keeps what fits.
func (b *cappedBuffer) Write(p []byte) (int, error) {
	b.text = append(b.text, p[:min(len(p), mostSecret+3-len(b.text))]...)
	return len(p), nil
}
