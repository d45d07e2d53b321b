package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
)

// Credentials are the keys to sign requests with, and where they came from. If
// AccessKey is zero, the client is to look where AWS programs look (Profile, if
// given, says where there), but nowhere else than at AWS.
type Credentials struct {
	AccessKey, SecretKey, SessionToken Secret
	From                               string
}

// ErrNoCredentials says that a drive has no keys and none may be taken from
// elsewhere.
var ErrNoCredentials = errors.New("no keys")

// awsKey is the shape of the access key IDs that AWS gives out.
var awsKey = regexp.MustCompile(`^(AKIA|ASIA)[A-Z2-7]{16}$`)

// Credentials finds the keys of an S3 drive at an address: its own, from files
// and commands too, or the environment's. AWS's keys are not sent to others
// unless the drive's settings name them. Errors hold no secrets.
func (d *Drive) Credentials(ctx context.Context, a *Address) (Credentials, error) {
	access, err := d.find(ctx, "access_key")
	if err != nil {
		return Credentials{}, err
	}
	if access.Secret.IsZero() {
		return d.foundCredentials(a)
	}
	secret, err := d.find(ctx, "secret_key")
	if err != nil {
		return Credentials{}, err
	}
	token, err := d.find(ctx, "session_token")
	if err != nil {
		return Credentials{}, err
	}
	return Credentials{access.Secret, secret.Secret, token.Secret, access.From + " and " + secret.From}, nil
}

// foundCredentials finds keys that are not in the drive's settings.
func (d *Drive) foundCredentials(a *Address) (Credentials, error) {
	switch {
	case d.Profile != "":
		return Credentials{From: "profile " + d.Profile}, nil
	case a.AWS():
		return Credentials{From: "where AWS programs look: environment, profile, web identity, container, instance"}, nil
	}
	c := Credentials{
		AccessKey:    NewSecret(os.Getenv("AWS_ACCESS_KEY_ID")),
		SecretKey:    NewSecret(os.Getenv("AWS_SECRET_ACCESS_KEY")),
		SessionToken: NewSecret(os.Getenv("AWS_SESSION_TOKEN")),
		From:         "environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
	}
	switch {
	case c.AccessKey.IsZero() || c.SecretKey.IsZero():
		return Credentials{}, fmt.Errorf("%w for drive %s: give access_key and secret_key", ErrNoCredentials, d)
	case awsKey.MatchString(c.AccessKey.Reveal()):
		return Credentials{}, fmt.Errorf("%w for drive %s: those in the environment are AWS's and are not sent to another server; "+
			"if they are meant, write access_key: ${AWS_ACCESS_KEY_ID} and secret_key: ${AWS_SECRET_ACCESS_KEY}", ErrNoCredentials, d)
	}
	return c, nil
}

// FindPassphrase finds the repository's passphrase: FIRN_PASSPHRASE,
// FIRN_PASSPHRASE_FILE or FIRN_PASSPHRASE_COMMAND, else the drive's settings.
// It is zero if none is given; then there is the key file, or somebody to ask.
func (d *Drive) FindPassphrase(ctx context.Context) (Found, error) {
	var command Command
	if err := command.UnmarshalText([]byte(os.Getenv("FIRN_PASSPHRASE_COMMAND"))); err != nil {
		return Found{}, fmt.Errorf("read FIRN_PASSPHRASE_COMMAND: %w", err)
	}
	secret := NewSecret(os.Getenv("FIRN_PASSPHRASE"))
	found, err := findSecret(ctx, "passphrase", secret, os.Getenv("FIRN_PASSPHRASE_FILE"), command)
	if err != nil || !found.Secret.IsZero() {
		found.From = "environment: " + found.From
		return found, err
	}
	return d.find(ctx, "passphrase")
}
