package config

import (
	"fmt"
	"strings"
)

// Draft reads a drive that is to be put into a configuration file. It is
// ParseDrive but that values may hold ${NAME}, which Edit.AddDrive writes as it
// stands. A setting whose variable is not set here is left open in the drive:
// it cannot be checked, and the drive cannot be used.
func Draft(text string, options ...Option) (Drive, error) {
	s := newSettings()
	s.look = environment
	return s.read(text, options)
}

// write takes note of a value with variables and returns it with their values.
// If one is not set here, the setting is open.
func (s *settings) write(key, text string, a alias) (string, error) {
	if a.opposite {
		return "", fmt.Errorf("a variable cannot stand here: give it to %s, which means the opposite", key)
	}
	expanded, _, err := expand(text, func(name string) (string, bool) {
		value, ok := s.look(name)
		if !ok {
			s.open[key] = true
		}
		return value, true
	})
	if err != nil {
		return "", err
	}
	if s.drive.written == nil {
		s.drive.written = map[string]string{}
	}
	s.drive.written[key] = text
	return expanded, nil
}

// fileText is a value as people give it, in the notation of the file: one
// with ${NAME} in it is in that notation, in any other a dollar sign is itself.
func fileText(value string) string {
	if strings.Contains(value, "${") {
		return value
	}
	return strings.ReplaceAll(value, "$", "$$")
}

// Place is the file that Edit is to change: the one that Find finds, else the
// user's own, which may not exist yet; "" if the user has no place for one.
func Place(explicit string) string {
	if path, _ := Find(explicit); path != "" {
		return path
	}
	return UserPath()
}
