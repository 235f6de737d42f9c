package minislack

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// metadata checks the metadata of a message: an event_type, and a payload of
// strings, numbers and booleans, nested once.
func (s *Server) metadata(raw string) (*Metadata, error) {
	if len(raw) > s.limits.metadata {
		return nil, refuse("metadata_too_large")
	}
	d := json.NewDecoder(strings.NewReader(raw))
	d.UseNumber()
	var sent object
	if err := d.Decode(&sent); err != nil {
		return nil, refuse("invalid_metadata_format")
	}
	if len(sent) == 0 {
		return nil, nil // {} clears
	}
	payload, ok := sent["event_payload"].(object)
	if str(sent, "event_type") == "" || !ok {
		return nil, refuse("invalid_metadata_format")
	}
	for key := range sent {
		if key != "event_type" && key != "event_payload" {
			return nil, refuse("invalid_metadata_schema")
		}
	}
	for _, v := range payload {
		if !metaValue(v) {
			return nil, refuse("invalid_metadata_schema")
		}
	}
	return &Metadata{Type: str(sent, "event_type"), Payload: shuffled(payload)}, nil
}

// metaValue allows a scalar, an object of scalars, or an array of such objects.
func metaValue(v any) bool {
	switch v := v.(type) {
	case object:
		return scalars(v)
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool {
			o, ok := item.(object)
			return !ok || !scalars(o)
		})
	}
	return scalar(v)
}

func scalars(o object) bool {
	for _, v := range o {
		if !scalar(v) {
			return false
		}
	}
	return true
}

func scalar(v any) bool {
	switch v.(type) {
	case string, json.Number, bool:
		return true
	}
	return false
}

// shuffled writes an object with its keys in falling order, so that nobody
// relies on getting back the bytes that were sent.
func shuffled(o object) json.RawMessage {
	var out bytes.Buffer
	out.WriteByte('{')
	keys := sortedKeys(o)
	slices.Reverse(keys)
	for i, key := range keys {
		if i > 0 {
			out.WriteByte(',')
		}
		name, _ := json.Marshal(key)
		value, _ := json.Marshal(o[key])
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes()
}
