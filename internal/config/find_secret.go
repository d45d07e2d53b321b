package config

import "context"

// FindSecret reads a secret from a file, or runs a command that prints it; it
// is zero if neither is given. key is what the secret is, for errors, which do
// not hold it.
func FindSecret(ctx context.Context, key, file string, command Command) (Found, error) {
	return findSecret(ctx, key, Secret{}, file, command)
}
