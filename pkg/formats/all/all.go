// Package all lists the formats that Grainmesh can ingest. A new format is added
// here.
package all

import (
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/formats/gsf"
	"github.com/grainmesh/grainmesh/pkg/formats/mp4"
	"github.com/grainmesh/grainmesh/pkg/formats/wav"
)

// Registry returns all formats.
func Registry() (*formats.Registry, error) {
	return formats.NewRegistry(wav.Format{}, gsf.Format{}, mp4.Format{})
}
