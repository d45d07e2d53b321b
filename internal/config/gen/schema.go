package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"firn/internal/config"
)

// object is a JSON object; its keys are written in order.
type object = map[string]any

// variable matches values that environment variables make up.
var variable = object{"type": "string", "pattern": `\$\{`}

// schemaOf makes the JSON Schema of the file.
func schemaOf(groups []group) ([]byte, error) {
	definitions := object{}
	for _, g := range groups {
		schema, err := groupSchema(&g)
		if err != nil {
			return nil, err
		}
		definitions[strings.ToLower(g.name)] = schema
	}
	root := definitions["config"].(object)
	delete(definitions, "config")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Configuration of Firn"
	root["$defs"] = definitions
	text, err := json.MarshalIndent(root, "", "  ")
	return append(text, '\n'), err
}

func groupSchema(g *group) (object, error) {
	properties := object{}
	for _, s := range g.settings {
		schema, err := settingSchema(&s)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", g.name, s.key, err)
		}
		schema["description"] = s.doc
		properties[s.key] = schema
	}
	schema := object{"type": "object", "additionalProperties": false, "properties": properties}
	if g.name == "Drive" {
		addAliases(properties)
		schema["required"] = []string{"label"}
	}
	return schema, nil
}

// addAliases adds the other names of a drive's settings.
func addAliases(properties object) {
	_, others := config.Keys()
	for _, name := range others {
		of, opposite, why := config.AliasOf(name)
		switch {
		case why != "":
			properties[name] = object{"description": "Has no effect: " + why + ".", "deprecated": true}
		case properties[of] == nil:
			properties[name] = object{"type": "string", "description": "Endpoint, bucket and prefix as one URL, in which the server comes first."}
		case opposite:
			properties[name] = object{"anyOf": []any{object{"type": "boolean"}, variable}, "description": "The opposite of " + of + "."}
		default:
			schema := maps.Clone(properties[of].(object))
			schema["description"] = "Another name of " + of + "."
			properties[name] = schema
		}
	}
}

func settingSchema(s *setting) (object, error) {
	if choices := s.tag.Get("enum"); choices != "" {
		return object{"anyOf": []any{object{"enum": strings.Split(choices, ",")}, variable}}, nil
	}
	switch s.kind {
	case "string", "Secret", "Span":
		return object{"type": []string{"string", "number"}}, nil
	case "Duration":
		return object{"anyOf": []any{object{"type": "string", "pattern": `^([0-9.]+(ms|s|m|h))+$`}, variable}}, nil
	case "Rate":
		return object{"anyOf": []any{object{"const": 0}, object{"type": "string", "pattern": `^[0-9.]+ *([KMGTkmgt][Ii]?)?[Bb](/s)?$`}, variable}}, nil
	case "Count":
		return object{"anyOf": []any{object{"type": "integer", "minimum": -1}, object{"const": "forever"}, variable}}, nil
	case "bool", "*bool":
		return object{"anyOf": []any{object{"type": "boolean"}, object{"enum": []string{"yes", "no", "on", "off"}}, variable}}, nil
	case "int", "*int":
		return object{"anyOf": []any{bounded(s), variable}}, nil
	case "Command", "[]string":
		word := object{"type": []string{"string", "number"}}
		return object{"anyOf": []any{object{"type": "string"}, object{"type": "array", "items": word}}}, nil
	case "ClassRules":
		return object{"anyOf": []any{object{"type": "string"}, object{"type": "array", "items": object{"$ref": "#/$defs/classrule"}}}}, nil
	case "[]Tags":
		return object{"type": "array", "items": object{"anyOf": []any{object{"type": "string"}, object{"type": "array", "items": object{"type": "string"}}}}}, nil
	case "[]Drive":
		return object{"type": []string{"array", "null"}, "items": object{"$ref": "#/$defs/drive"}}, nil
	case "Backup", "Retention":
		return object{"$ref": "#/$defs/" + strings.ToLower(s.kind)}, nil
	}
	return nil, fmt.Errorf("type %s is not known here", s.kind)
}

// bounded is a whole number between the bounds of a setting.
func bounded(s *setting) object {
	schema := object{"type": "integer"}
	for key, name := range map[string]string{"min": "minimum", "max": "maximum"} {
		if bound, err := strconv.Atoi(s.tag.Get(key)); err == nil {
			schema[name] = bound
		}
	}
	return schema
}
