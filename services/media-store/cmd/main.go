// Command media-store runs the media store as a process of its own.
package main

import (
	mediastore "github.com/grainmesh/grainmesh/services/media-store"

	"github.com/grainmesh/grainmesh/pkg/service"
)

func main() { service.Main(mediastore.Definition()) }
