package config

import "strings"

// Flag is a setting of a drive as a flag of the command line.
type Flag struct {
	Name    string // --NAME, with dashes
	Setting string // the key of the setting; "" if the flag has no effect
	Word    string // what the value is, in capitals; "" for one that may stand without
	About   string // what it is, a sentence or more
	Other   bool   // another name, known from other programs
}

// Flags returns all settings of a drive and their other names as flags, the
// settings first.
func Flags() []Flag {
	settings, others := Keys()
	list := make([]Flag, 0, len(settings)+len(others))
	for _, key := range settings {
		f, _ := fieldOf(driveType, key)
		list = append(list, Flag{Name: flagName(key), Setting: key, Word: f.word(), About: about[key]})
	}
	for _, name := range others {
		a := aliases[name]
		flag := Flag{Name: flagName(name), Setting: a.of, Other: true}
		f, ok := fieldOf(driveType, a.of)
		switch {
		case a.useless != "":
			flag.About = "Has no effect: " + a.useless + "."
			if !a.bare {
				flag.Word = "TEXT"
			}
		case !ok:
			continue // location is for the file only
		case a.opposite:
			flag.About = "The opposite of --" + flagName(a.of) + "."
		default:
			flag.Word, flag.About = f.word(), "Another name of --"+flagName(a.of)+"."
		}
		list = append(list, flag)
	}
	return list
}

// flagName is how a setting is written as a flag.
func flagName(key string) string { return strings.ReplaceAll(key, "_", "-") }

// word says in a word what a setting's value is, "" for one that is true or false.
func (f *field) word() string {
	switch {
	case f.truth():
		return ""
	case strings.HasSuffix(f.key, "_file") || f.key == "client_cert" || f.key == "client_key":
		return "FILE"
	case f.key == "path":
		return "FOLDER"
	case f.key == "endpoint" || f.key == "proxy":
		return "URL"
	}
	switch f.kind.String() {
	case "config.Command":
		return "COMMAND"
	case "config.ClassRules":
		return "CLASSES"
	case "config.Rate":
		return "RATE"
	case "config.Duration":
		return "TIME"
	case "int", "*int":
		return "NUMBER"
	}
	return "TEXT"
}
