package s3

import (
	"context"
	"fmt"
	"strings"
)

// KeySource says in words in which of the places that AWS programs look at the
// keys of a configuration were found, for one that names no keys itself; with a
// role, those it is assumed with. It may ask the services that lend keys.
func KeySource(ctx context.Context, c Config) (string, error) {
	p, err := c.resolve()
	if err != nil {
		return "", fmt.Errorf("configure s3 drive: %w", err)
	}
	c.Role = Role{}
	shared, err := loadAWS(ctx, &c, p)
	if err != nil {
		return "", fmt.Errorf("configure s3 drive: %w", err)
	}
	keys, err := shared.Credentials.Retrieve(ctx)
	if err != nil {
		return "", fmt.Errorf("find keys: %w", err)
	}
	return sourceWords(keys.Source), nil
}

// sourceWords says for people what AWS's library calls a source of keys.
func sourceWords(source string) string {
	name, detail, _ := strings.Cut(source, ": ")
	words, known := map[string]string{
		"EnvConfigCredentials":        "environment",
		"SharedConfigCredentials":     "profile",
		"StaticCredentials":           "settings",
		"EC2RoleProvider":             "instance metadata",
		"CredentialsEndpointProvider": "container",
		"AssumeRoleProvider":          "assumed role",
		"WebIdentityCredentials":      "web identity",
		"SSOProvider":                 "single sign-on",
		"ProcessProvider":             "process of the profile",
	}[name]
	switch {
	case !known:
		return source
	case detail != "":
		return words + " in " + detail
	}
	return words
}
