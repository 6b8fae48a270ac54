// Command origin runs the origin in a process of its own.
package main

import (
	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/services/origin"
)

func main() { service.Main(origin.Definition()) }
