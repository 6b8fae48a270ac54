// Command chunker runs the chunker in a process of its own.
package main

import (
	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/services/chunker"
)

func main() { service.Main(chunker.Definition()) }
