package mesh

import (
	"fmt"
	"slices"
	"strings"

	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/services/analyser"
	"github.com/grainmesh/grainmesh/services/chunker"
	jobapi "github.com/grainmesh/grainmesh/services/job-api"
	mediastore "github.com/grainmesh/grainmesh/services/media-store"
	"github.com/grainmesh/grainmesh/services/origin"
	portalbff "github.com/grainmesh/grainmesh/services/portal-bff"
	"github.com/grainmesh/grainmesh/services/reader"
)

// Services lists every service of the mesh, owners before those who ask them.
func Services() []service.Definition {
	return []service.Definition{
		mediastore.Definition(), jobapi.Definition(), analyser.Definition(), chunker.Definition(), reader.Definition(),
		origin.Definition(), portalbff.Definition(),
	}
}

// Pick returns the services of the given names.
func Pick(names ...string) ([]service.Definition, error) {
	all := Services()
	var picked []service.Definition
	for _, name := range names {
		i := slices.IndexFunc(all, func(d service.Definition) bool { return d.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no service %q; there are %s", name, strings.Join(Names(), ", "))
		}
		picked = append(picked, all[i])
	}
	return picked, nil
}

// Names lists the names of all services.
func Names() []string {
	var names []string
	for _, d := range Services() {
		names = append(names, d.Name)
	}
	return names
}
