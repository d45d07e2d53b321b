package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// lookup finds the value of an environment variable.
type lookup func(name string) (value string, set bool)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand puts the values of variables in place of ${NAME} and ${NAME:-DEFAULT},
// which takes its default if the variable is unset or empty, and a dollar sign
// in place of $$. A variable that is not set is an error, and so is any other
// use of the dollar sign. It returns the names of the variables as well.
func expand(text string, look lookup) (string, []string, error) {
	var (
		b     strings.Builder
		names []string
	)
	for {
		before, rest, found := strings.Cut(text, "$")
		b.WriteString(before)
		switch {
		case !found:
			return b.String(), names, nil
		case strings.HasPrefix(rest, "$"):
			b.WriteByte('$')
			text = rest[1:]
			continue
		case !strings.HasPrefix(rest, "{"):
			return "", nil, errors.New("a dollar sign stands alone: write ${NAME} for a variable and $$ for a dollar sign")
		}
		end := closing(rest)
		if end < 0 {
			return "", nil, errors.New("${ has no } behind it")
		}
		name, fallback, hasDefault := strings.Cut(rest[1:end], ":-")
		text = rest[end+1:]
		if !variableName.MatchString(name) {
			return "", nil, errors.New("what stands in ${…} is neither NAME nor NAME:-DEFAULT") // it may be a part of a secret
		}
		names = append(names, name)
		value, set := look(name)
		if value == "" && hasDefault {
			inner, innerNames, err := expand(fallback, look)
			if err != nil {
				return "", nil, err
			}
			names = append(names, innerNames...)
			value = inner
		} else if !set {
			return "", nil, fmt.Errorf("environment variable %s is not set", name)
		}
		b.WriteString(value)
	}
}

// closing finds the brace that closes the one text begins with.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}
