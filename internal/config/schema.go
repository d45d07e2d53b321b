package config

import (
	"bytes"
	_ "embed"
)

//go:embed config.schema.json
var schema []byte

// Schema returns the JSON Schema of the configuration file.
func Schema() []byte { return bytes.Clone(schema) }
