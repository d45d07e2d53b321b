package config

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// alias is another name for a setting of a drive, known from other programs.
type alias struct {
	of       string // the setting
	opposite bool   // true means false
	foreign  bool   // Duplicati's: its presence means that s3:// is followed by a bucket
	useless  string // why Firn has no use for it; then there is no setting
	bare     bool   // of a useless one: it may stand without a value
}

// aliases are keyed by name in the spelling of the file; options and queries
// may use - for _.
var aliases = map[string]alias{
	// Plakar
	"location":               {of: "location"},
	"secret_access_key":      {of: "secret_key"},
	"access_key_id":          {of: "access_key"},
	"tls_insecure_no_verify": {of: "verify_ssl", opposite: true},
	"virtual_host":           {of: "force_path_style", opposite: true},

	// Duplicati
	"aws_access_key_id":           {of: "access_key", foreign: true},
	"aws_secret_access_key":       {of: "secret_key", foreign: true},
	"auth_username":               {of: "access_key", foreign: true},
	"auth_password":               {of: "secret_key", foreign: true},
	"s3_servername":               {of: "endpoint", foreign: true},
	"s3_server_name":              {of: "endpoint", foreign: true},
	"use_ssl":                     {of: "use_tls", foreign: true},
	"s3_location_constraint":      {of: "location_constraint", foreign: true},
	"s3_location_contraint":       {of: "location_constraint", foreign: true},
	"s3_storage_class":            {of: "storage_class", foreign: true},
	"s3_client":                   {of: "client", foreign: true},
	"s3_authentication_region":    {of: "region", foreign: true},
	"s3_ext_authenticationregion": {of: "region", foreign: true},
	"s3_ext_forcepathstyle":       {of: "force_path_style", foreign: true},
	"s3_ext_usehttp":              {of: "use_tls", opposite: true, foreign: true},
	"s3_ext_maxerrorretry":        {of: "http_retries", foreign: true},
	"s3_disable_chunk_encoding":   {foreign: true, useless: "Firn never sends bodies in chunks", bare: true},
	"s3_disable_payload_signing":  {foreign: true, useless: "Firn signs what the server needs signed", bare: true},
	"s3_list_api_version":         {foreign: true, useless: "Firn finds out which listing the server knows"},
	"s3_recursive_list":           {foreign: true, useless: "Firn always lists what it needs", bare: true},
}

// location is the one alias that stands for several settings at once.
const location = "location"

// keyName brings a name of a setting into the spelling of the file.
func keyName(name string) string {
	name = strings.TrimLeft(name, "-")
	return strings.ReplaceAll(strings.ToLower(name), "-", "_")
}

// Keys returns the names of all settings of a drive, aliases after them.
func Keys() (settings, others []string) {
	for _, f := range fieldsOf(driveType) {
		settings = append(settings, f.key)
	}
	return settings, slices.Sorted(maps.Keys(aliases))
}

// AliasOf says what another name of a setting stands for, "" if for nothing
// that Firn has: then why says why not.
func AliasOf(name string) (setting string, opposite bool, why string) {
	a := aliases[name]
	return a.of, a.opposite, a.useless
}

// unknownKey is the error for a name that is no setting of a drive.
func unknownKey(name string) error {
	settings, others := Keys()
	if strings.HasPrefix(keyName(name), "s3_ext_") {
		return errors.New("it is a setting of another program's library, for which there is none here: leave it out")
	}
	text := "there is no such setting"
	if near := nearest(keyName(name), append(settings, others...)); near != "" {
		text += "; did you mean " + near + "?"
	}
	return errors.New(text)
}
