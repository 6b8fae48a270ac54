package formats

import (
	"fmt"
	"mime"
	"path"
	"slices"
	"strings"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// Any stands for the format of a file whose MIME type nobody has said yet.
const Any = "any"

// Registry finds formats by name, MIME type or content.
type Registry struct {
	list   []Format
	byName map[string]Format
	byMIME map[string]Format
}

// NewRegistry makes a registry of formats. Two that claim the same name or MIME
// type are an error.
func NewRegistry(list ...Format) (*Registry, error) {
	r := &Registry{list: list, byName: map[string]Format{}, byMIME: map[string]Format{}}
	for _, f := range list {
		if r.byName[f.Name()] != nil || f.Name() == Any {
			return nil, fmt.Errorf("format name %q is taken twice", f.Name())
		}
		r.byName[f.Name()] = f
		for _, mimeType := range f.MIMETypes() {
			if r.byMIME[mimeType] != nil {
				return nil, fmt.Errorf("MIME type %q is claimed by %s and %s", mimeType, r.byMIME[mimeType].Name(), f.Name())
			}
			r.byMIME[mimeType] = f
		}
	}
	return r, nil
}

// List returns all formats.
func (r *Registry) List() []Format { return slices.Clone(r.list) }

// ByName returns the format of a name, or a fault.
func (r *Registry) ByName(name string) (Format, error) {
	if f := r.byName[name]; f != nil {
		return f, nil
	}
	return nil, fault.Newf(fault.UnsupportedFile, "there is no format %q here", name)
}

// ByMIMEType returns the format that a MIME type chooses, or a fault
// UnknownMIMEType that lists the known ones. Parameters and case do not count.
func (r *Registry) ByMIMEType(mimeType string) (Format, error) {
	plain, _, err := mime.ParseMediaType(mimeType)
	if err != nil {
		return nil, fault.Newf(fault.UnknownMIMEType, "%q is not a MIME type, want one such as video/mp4", mimeType)
	}
	if f := r.byMIME[plain]; f != nil {
		return f, nil
	}
	return nil, fault.Newf(fault.UnknownMIMEType, "MIME type %q cannot be ingested; known are %s", plain, strings.Join(r.mimeTypes(), ", "))
}

func (r *Registry) mimeTypes() []string {
	var all []string
	for _, f := range r.list {
		all = append(all, f.MIMETypes()...)
	}
	return all
}

// ByExtension returns the usual MIME type of a file name, "" if it tells none.
func (r *Registry) ByExtension(name string) string {
	extension := strings.ToLower(path.Ext(name))
	for _, f := range r.list {
		if slices.Contains(f.Extensions(), extension) {
			return f.MIMETypes()[0]
		}
	}
	return ""
}

// Sniff returns the format of a file by its first bytes, or nil.
func (r *Registry) Sniff(head []byte) Format {
	for _, f := range r.list {
		if f.Sniff(head) {
			return f
		}
	}
	return nil
}
