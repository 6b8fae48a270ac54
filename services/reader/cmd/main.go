// Command reader runs the reader in a process of its own.
package main

import (
	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/services/reader"
)

func main() { service.Main(reader.Definition()) }
