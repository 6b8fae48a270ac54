// Package config reads settings from the environment into one struct a service,
// and says by name which of them is wrong.
package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/kelseyhightower/envconfig"
)

// Validator is a config struct that can check itself. Its errors name the
// variable and what was expected.
type Validator interface {
	Validate() error
}

// Load fills the struct that into points to from the variables PREFIX_NAME, as
// its envconfig tags say, then validates it.
func Load(prefix string, into Validator) error {
	if err := process(prefix, into); err != nil {
		if parse, ok := errors.AsType[*envconfig.ParseError](err); ok {
			return fmt.Errorf("%s=%q: want %s: %w", parse.KeyName, parse.Value, parse.TypeName, parse.Err)
		}
		return fmt.Errorf("settings %s_*: %w", prefix, err)
	}
	if err := into.Validate(); err != nil {
		return fmt.Errorf("settings %s_*: %w", prefix, err)
	}
	return nil
}

// Positive returns an error that names the first of the settings, by name, that is
// not above zero.
func Positive[N int | int64 | float64](settings map[string]N) error {
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if value := settings[name]; value <= 0 {
			return fmt.Errorf("%s is %v, want more than 0", name, value)
		}
	}
	return nil
}

// Secret is a text that never prints: not in logs, not in JSON, not with %v.
type Secret string

const redacted = "[secret]"

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer without telling.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString implements fmt.GoStringer without telling.
func (s Secret) GoString() string { return s.String() }

// LogValue implements slog.LogValuer without telling.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON implements json.Marshaler without telling.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }
