package config

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/kelseyhightower/envconfig"
)

// process fills a struct from PREFIX_NAME, and from nothing else. Given the struct
// itself, envconfig would take a variable NAME where PREFIX_NAME is not set, so that
// a VERSION or REGION that is there for something else would become a setting of
// ours. It does so for names from tags only; hence it is given a struct whose fields
// have these names themselves.
func process(prefix string, into any) error {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.Elem().Kind() != reflect.Struct {
		return errors.New("want a pointer to a struct")
	}
	settings, err := settingsOf(target.Elem())
	if err != nil {
		return err
	}
	fields := make([]reflect.StructField, len(settings))
	for i := range settings {
		fields[i] = settings[i].field
	}
	named := reflect.New(reflect.StructOf(fields))
	if err := envconfig.Process(prefix, named.Interface()); err != nil {
		return err
	}
	for i := range settings {
		settings[i].value.Set(named.Elem().Field(i))
	}
	return nil
}

// setting is a field of a config struct, and the same field by its name in the
// environment.
type setting struct {
	value reflect.Value
	field reflect.StructField
}

// settingsOf lists the fields of a struct; those of embedded structs count as its
// own.
func settingsOf(v reflect.Value) ([]setting, error) {
	var out []setting
	for i := range v.NumField() {
		field := v.Type().Field(i)
		switch {
		case field.Anonymous && field.Type.Kind() == reflect.Struct:
			embedded, err := settingsOf(v.Field(i))
			if err != nil {
				return nil, err
			}
			out = append(out, embedded...)
		case !field.IsExported():
		case field.Type.Kind() == reflect.Struct:
			return nil, fmt.Errorf("field %s is a struct that is not embedded, want single settings", field.Name)
		default:
			name := strings.ToUpper(cmp.Or(field.Tag.Get("envconfig"), field.Name))
			tag := fmt.Sprintf(`required:%q`, field.Tag.Get("required"))
			if value, ok := field.Tag.Lookup("default"); ok {
				tag += fmt.Sprintf(` default:%q`, value)
			}
			out = append(out, setting{v.Field(i), reflect.StructField{Name: name, Type: field.Type, Tag: reflect.StructTag(tag)}})
		}
	}
	return out, nil
}
