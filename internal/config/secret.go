package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a text that must not be seen. It prints as *** under every verb and
// in JSON, YAML and logs, or as nothing if it was not given. The zero value is
// no secret.
type Secret struct {
	text *string // a pointer, so that printing by reflection shows an address at most
}

// NewSecret makes a secret of a text; of "" it makes none.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.text == nil }

// String returns *** in place of the text.
func (s Secret) String() string {
	if s.text == nil {
		return ""
	}
	return "***"
}

// Format prints *** under every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText returns *** in place of the text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue returns *** in place of the text.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// UnmarshalText takes the text.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
