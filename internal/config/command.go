package config

import (
	"errors"
	"strings"
)

// Command is a program to run and its arguments. It is not given to a shell:
// where one is wanted, it is the program, as in sh -c "…".
type Command []string

// UnmarshalText splits a line into words at blanks. Single quotes keep all
// between them, double quotes all but \" and \\; outside of quotes a backslash
// keeps the character after it only if that is a blank, a quote or a backslash,
// so that Windows paths need no care.
func (c *Command) UnmarshalText(text []byte) error {
	var (
		words []string
		word  strings.Builder
		in    bool // a word has begun
		quote byte
	)
	for i := 0; i < len(text); i++ {
		b := text[i]
		escapes := b == '\\' && quote != '\'' && i+1 < len(text)
		switch {
		case escapes && (text[i+1] == '"' || text[i+1] == '\\' || quote == 0 && strings.IndexByte(" \t'", text[i+1]) >= 0):
			i++
			word.WriteByte(text[i])
			in = true
		case quote != 0:
			if b == quote {
				quote = 0
			} else {
				word.WriteByte(b)
			}
		case b == '\'' || b == '"':
			quote, in = b, true
		case b == ' ' || b == '\t' || b == '\n' || b == '\r':
			if in {
				words, in = append(words, word.String()), false
				word.Reset()
			}
		default:
			word.WriteByte(b)
			in = true
		}
	}
	if quote != 0 {
		return errors.New("the command has a quote that is not closed")
	}
	if in {
		words = append(words, word.String())
	}
	if len(words) > 0 && words[0] == "" {
		return errors.New("the command has no program")
	}
	*c = words
	return nil
}

// String writes the command as UnmarshalText reads it.
func (c Command) String() string {
	var b strings.Builder
	for i, word := range c {
		if i > 0 {
			b.WriteByte(' ')
		}
		if word != "" && !strings.ContainsAny(word, " \t\r\n'\"\\") {
			b.WriteString(word)
			continue
		}
		b.WriteByte('"')
		b.WriteString(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word))
		b.WriteByte('"')
	}
	return b.String()
}

// MarshalText writes the command as UnmarshalText reads it.
func (c Command) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
