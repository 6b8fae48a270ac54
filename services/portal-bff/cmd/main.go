// Command portal-bff runs the portal in a process of its own.
package main

import (
	"github.com/grainmesh/grainmesh/pkg/service"
	portalbff "github.com/grainmesh/grainmesh/services/portal-bff"
)

func main() { service.Main(portalbff.Definition()) }
