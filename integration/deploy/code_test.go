package deploy_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

// neighbour is a setting with the address of something, and the calls with which a
// service's definition asks for it.
var neighbours = map[string]*regexp.Regexp{
	"GRAINMESH_DATABASE_URL":      regexp.MustCompile(`env\.Database\(`),
	"GRAINMESH_NATS_URL":          regexp.MustCompile(`env\.Bus\(|work\.ForLayer\(`),
	"GRAINMESH_REDIS_URL":         regexp.MustCompile(`env\.Redis\(`),
	"GRAINMESH_S3_URL":            regexp.MustCompile(`env\.(Objects|Bucket|Sources)\(`),
	"GRAINMESH_NEIGHBOURS":        regexp.MustCompile(`env\.Neighbour\(|work\.ForLayer\(`),
	"GRAINMESH_PUBLIC_NEIGHBOURS": regexp.MustCompile(`Settings: env\.Settings`),
	"GRAINMESH_PUBLIC_URL":        regexp.MustCompile(`env\.Settings\.PublicURL`),
}

var (
	setting   = regexp.MustCompile(`envconfig:"([A-Z0-9_]+)"`)
	asksFor   = regexp.MustCompile(`env\.Neighbour\("([a-z-]+)"\)`)
	proxiesTo = regexp.MustCompile(`(?m)^\t\t"([a-z-]+)": +\{"/`)
)

// source returns the text of a Go file of the tree.
func source(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(text)
}

// known returns the settings that a service reads.
func known(t *testing.T, service string) map[string]bool {
	t.Helper()
	prefix := "GRAINMESH_" + strings.ToUpper(strings.ReplaceAll(service, "-", "_")) + "_"
	names := map[string]bool{}
	add := func(prefix, file string) {
		for _, found := range setting.FindAllStringSubmatch(source(t, file), -1) {
			names[prefix+found[1]] = true
		}
	}
	add("GRAINMESH_", "pkg/service/settings.go")
	config := "services/" + service + "/config.go"
	add(prefix, config)
	if strings.Contains(source(t, config), "bus.Policy") {
		add(prefix, "pkg/bus/consume.go")
	}
	return names
}

// others returns which services one asks on their internal ports, and which it passes
// requests on to.
func others(t *testing.T, service string) (internal, public []string) {
	t.Helper()
	definition := source(t, "services/"+service+"/definition.go")
	for _, found := range asksFor.FindAllStringSubmatch(definition, -1) {
		internal = append(internal, found[1])
	}
	if strings.Contains(definition, "work.ForLayer(") {
		internal = append(internal, "job-api")
	}
	if neighbours["GRAINMESH_PUBLIC_NEIGHBOURS"].MatchString(definition) {
		for _, found := range proxiesTo.FindAllStringSubmatch(source(t, "services/"+service+"/proxy.go"), -1) {
			public = append(public, found[1])
		}
		require.NotEmpty(t, public)
	}
	return internal, public
}

// requireSettings holds a service's environment against the code: nothing that is not
// read, every neighbour that is asked for, and the address of no other.
func requireSettings(t *testing.T, service string, env map[string]string) {
	t.Helper()
	reads := known(t, service)
	for name := range env {
		require.True(t, reads[name], "%s does not read %s", service, name)
	}
	definition := source(t, "services/"+service+"/definition.go")
	for name, asked := range neighbours {
		require.Equal(t, asked.MatchString(definition), env[name] != "", "%s: %s", service, name)
	}
	for _, listen := range []string{"GRAINMESH_LISTEN", "GRAINMESH_INTERNAL_LISTEN"} {
		require.NotContains(t, env[listen], "127.0.0.1", "nobody could reach %s", service)
		require.NotEmpty(t, env[listen], service)
	}
	internal, public := others(t, service)
	requireAddresses(t, env["GRAINMESH_NEIGHBOURS"], "8081", internal)
	requireAddresses(t, env["GRAINMESH_PUBLIC_NEIGHBOURS"], "8080", public)
	if env["GRAINMESH_S3_PUBLIC_URL"] == "" {
		require.NotContains(t, []string{"media-store", "portal-bff"}, service, "browsers cannot reach what services do")
	}
}

// requireAddresses says that a setting names these services, each where it listens.
func requireAddresses(t *testing.T, text, port string, want []string) {
	t.Helper()
	pairs := map[string]string{}
	for _, name := range want {
		pairs[name+"=http://"+name+":"+port] = ""
	}
	if text == "" {
		require.Empty(t, want)
		return
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(pairs)), strings.Split(text, ","))
}

// The README of a service names, where it says how it runs by itself, every neighbour
// that it asks for.
func TestREADMEsNameNeighbours(t *testing.T) {
	t.Parallel()
	for _, service := range mesh.Names() {
		_, alone, found := strings.Cut(source(t, "services/"+service+"/README.md"), "\n## By itself\n")
		require.True(t, found, service)
		require.Contains(t, alone, "_KEYS", service)
		for name, asked := range neighbours {
			if asked.MatchString(source(t, "services/"+service+"/definition.go")) {
				require.Contains(t, alone, strings.TrimPrefix(name, "GRAINMESH"), service)
			}
		}
	}
}

// An image holds one service, and no server that is only there to be embedded.
func TestImagesHoldOneServiceAlone(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob(filepath.Join(root, "services/*/cmd"))
	require.NoError(t, err)
	var services []string
	for _, folder := range folders {
		service := filepath.Base(filepath.Dir(folder))
		if service == "grainmesh" {
			continue // is no service, and has them all
		}
		services = append(services, service)
		list := exec.CommandContext(t.Context(), "go", "list", "-deps", "./services/"+service+"/cmd")
		list.Dir, list.Env = root, append(os.Environ(), "CGO_ENABLED=0")
		out, err := list.Output()
		require.NoError(t, err, service)
		for dependency := range strings.Lines(string(out)) {
			for _, unwanted := range []string{
				"grainmesh/pkg/embed", "grainmesh/pkg/proc", "nats-io/nats-server", "versity/versitygw", "alicebob/miniredis", "stretchr/testify", "runtime/cgo",
			} {
				require.NotContains(t, dependency, unwanted, service)
			}
			if other, ok := strings.CutPrefix(strings.TrimSpace(dependency), "github.com/grainmesh/grainmesh/services/"); ok {
				require.Equal(t, service, strings.Split(other, "/")[0])
			}
		}
	}
	require.ElementsMatch(t, mesh.Names(), services)
}
