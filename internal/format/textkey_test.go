package format

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFormatSecret(t *testing.T) {
	for kind, want := range map[string]string{
		TextRecovery: "FIRN-RECOVERY-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAGM2D2",
		TextKey:      "FIRN-KEY-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAAAAAA-AAGM2D2",
	} {
		if got := FormatSecret(kind, [32]byte{}); got != want {
			t.Errorf("FormatSecret(%s) = %s, want %s", kind, got, want)
		}
	}
}

func TestSecretComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "secret"))
		kind := rapid.SampledFrom([]string{TextRecovery, TextKey}).Draw(t, "kind")
		text := FormatSecret(kind, secret)
		for _, variant := range []string{
			text, strings.ToLower(text), strings.ReplaceAll(text, "-", ""), strings.ReplaceAll(text, "-", " - "),
			"  " + text + "\r\n", strings.ReplaceAll(text, "-", "\u2013"),
		} {
			got, gotKind, err := ParseSecret(variant)
			if err != nil || got != secret || gotKind != kind {
				t.Fatalf("ParseSecret(%q) = %x, %s, %v", variant, got, gotKind, err)
			}
		}
	})
}

func TestParseSecretRefuses(t *testing.T) {
	good := FormatSecret(TextKey, [32]byte{1, 2, 3})
	last := good[:len(good)-1]
	for _, text := range []string{
		"", "FIRN", "FIRN-KEY", "FIRN-KEY-", last, good + "A", good + "=", "FIRN-LOCK" + good[8:],
		strings.Replace(good, "A", "B", 1), strings.Replace(good, "A", "1", 1), "AGE-SECRET-KEY-1", good + good,
	} {
		_, _, err := ParseSecret(text)
		if !errors.Is(err, ErrTextKey) {
			t.Errorf("ParseSecret(%q) = %v, want ErrTextKey", text, err)
		}
		if err != nil && len(text) > 20 && strings.Contains(err.Error(), text[10:20]) {
			t.Errorf("the error repeats the secret: %v", err)
		}
	}
}
