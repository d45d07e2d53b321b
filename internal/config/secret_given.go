package config

import (
	"fmt"
	"reflect"
	"strings"
)

// SecretWarnings warns of secrets among settings that were given on the command
// line, but for those that are variables of the file.
func SecretWarnings(given []Option) []Warning {
	var list []Warning
	for _, o := range given {
		if w, ok := secretWarning(o, "on the command line"); ok && !strings.Contains(o.Value, "${") {
			list = append(list, w)
		}
	}
	return list
}

// secretWarning warns of a secret that was given where others may see it.
func secretWarning(given Option, where string) (Warning, bool) {
	key := keyName(given.Key)
	if a, ok := aliases[key]; ok {
		key = a.of
	}
	f, ok := fieldOf(driveType, key)
	switch {
	case !ok, f.kind != reflect.TypeFor[Secret](), key == "access_key", given.Value == "":
		return Warning{}, false
	case key == "proxy" && !strings.Contains(given.Value, "@"):
		return Warning{}, false // no password is in it
	}
	return Warning{Key: key, Text: fmt.Sprintf("%s %s can be seen by every user of this machine (ps) and stays in the shell's history: "+
		"write ${VARIABLE} into the configuration file%s", given.Key, where, elsewhere(key))}, true
}

// elsewhere continues advice on where to keep a secret.
func elsewhere(key string) string {
	if _, ok := fieldOf(driveType, key+"_file"); !ok {
		return ""
	}
	return fmt.Sprintf(", or use %s_file or %s_command", key, key)
}
