// Command job-api runs the Service API in a process of its own.
package main

import (
	"github.com/grainmesh/grainmesh/pkg/service"
	jobapi "github.com/grainmesh/grainmesh/services/job-api"
)

func main() { service.Main(jobapi.Definition()) }
