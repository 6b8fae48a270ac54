// Command analyser runs the analyser in a process of its own.
package main

import (
	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/services/analyser"
)

func main() { service.Main(analyser.Definition()) }
