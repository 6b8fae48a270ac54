package deploy_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

// project is what these tests look at of a compose project.
type project struct {
	Services map[string]struct {
		Image       string            `json:"image"`
		Environment map[string]string `json:"environment"`
		ReadOnly    bool              `json:"read_only"`
		CapDrop     []string          `json:"cap_drop"`
		Build       struct {
			Args map[string]string `json:"args"`
		} `json:"build"`
		HealthCheck struct {
			Test []string `json:"test"`
		} `json:"healthcheck"`
		Ports []struct {
			HostIP string `json:"host_ip"`
			Target int    `json:"target"`
		} `json:"ports"`
		Volumes []struct {
			Source   string `json:"source"`
			Target   string `json:"target"`
			ReadOnly bool   `json:"read_only"`
		} `json:"volumes"`
	} `json:"services"`
}

func TestComposeHasEveryService(t *testing.T) {
	t.Parallel()
	var p project
	read(t, &p, passwords(), "compose", root+"/compose/compose.yaml")
	neighbours := []string{"postgres", "nats", "redis", "s3"}
	var named []string
	for name, s := range p.Services {
		named = append(named, name)
		require.NotEmpty(t, s.HealthCheck.Test, name)
		for _, port := range s.Ports {
			require.Equal(t, "127.0.0.1", port.HostIP, "%s is open to the network", name)
			require.Contains(t, []string{"portal-bff", "s3"}, name, "there is one address")
		}
		if slices.Contains(neighbours, name) {
			continue
		}
		require.Equal(t, []string{"CMD", "/service", "ready"}, s.HealthCheck.Test)
		require.Equal(t, "grainmesh/"+name+":dev", s.Image)
		require.Equal(t, name, s.Build.Args["SERVICE"])
		require.True(t, s.ReadOnly, name)
		require.Equal(t, []string{"ALL"}, s.CapDrop, name)
		require.Len(t, s.Volumes, 1, name)
		require.Regexp(t, "/compose/state/identities/"+name+"$", s.Volumes[0].Source)
		require.Equal(t, "/etc/grainmesh/keys", s.Volumes[0].Target)
		require.True(t, s.Volumes[0].ReadOnly, name)
		requireSettings(t, name, s.Environment)
	}
	require.ElementsMatch(t, append(neighbours, mesh.Names()...), named)
}
