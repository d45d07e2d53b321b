package format

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"strings"
	"unicode"
)

// The kinds of text keys, which their text begins with.
const (
	TextRecovery = "FIRN-RECOVERY"
	TextKey      = "FIRN-KEY"
)

const (
	textCheckSize = 3 // bytes of the SHA-256 that find typing errors
	textGroup     = 7 // letters between dashes
)

var textEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// FormatSecret returns the text of a secret; prefix is TextRecovery or TextKey.
func FormatSecret(prefix string, secret [32]byte) string {
	sum := sha256.Sum256(secret[:])
	letters := textEncoding.EncodeToString(append(secret[:], sum[:textCheckSize]...))
	var text strings.Builder
	text.WriteString(prefix)
	for i := 0; i < len(letters); i += textGroup {
		text.WriteByte('-')
		text.WriteString(letters[i : i+textGroup])
	}
	return text.String()
}

// ParseSecret returns the secret of a text and its kind, TextRecovery or
// TextKey. Case does not matter, nor do blanks, line breaks and dashes. An
// error matches ErrTextKey and does not repeat the text.
func ParseSecret(text string) (secret [32]byte, kind string, err error) {
	letters := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, text)
	for _, kind := range []string{TextRecovery, TextKey} {
		digits, ok := strings.CutPrefix(letters, strings.ReplaceAll(kind, "-", ""))
		if !ok {
			continue
		}
		raw, err := textEncoding.DecodeString(digits)
		if err != nil || len(digits) != textEncoding.EncodedLen(len(secret)+textCheckSize) {
			return secret, "", fmt.Errorf("parse secret: %w: it has wrong letters or too many or too few", ErrTextKey)
		}
		sum := sha256.Sum256(raw[:len(secret)])
		if subtle.ConstantTimeCompare(sum[:textCheckSize], raw[len(secret):]) != 1 {
			return secret, "", fmt.Errorf("parse secret: %w: a letter is wrong", ErrTextKey)
		}
		return [32]byte(raw[:len(secret)]), kind, nil
	}
	return secret, "", fmt.Errorf("parse secret: %w: it begins with neither %s nor %s", ErrTextKey, TextRecovery, TextKey)
}
