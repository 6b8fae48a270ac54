package deploy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the repository's, from a test of this folder.
const root = "../.."

// toolFolder is where the tool is built, until the tests are over.
var toolFolder string

func removeTool() { _ = os.RemoveAll(toolFolder) }

// tool is integration/tools/manifests, built once. It is state of the package because
// tests have no other place in common.
var tool = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "manifests")
	if err != nil {
		return "", err
	}
	toolFolder = dir
	program := filepath.Join(dir, "manifests")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir, build.Stderr = filepath.Join(root, "integration/tools/manifests"), os.Stderr
	// Like every tool, it is outside the workspace.
	build.Env = append(os.Environ(), "GOWORK=off")
	return program, build.Run()
})

// read has the tool read a file or folder of the tree, strictly, into a value.
func read(t *testing.T, into any, env []string, args ...string) {
	t.Helper()
	program, err := tool()
	require.NoError(t, err, "build integration/tools/manifests")
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%v", args)
	require.NoError(t, json.Unmarshal(out, into))
}

// passwords are what scripts/compose.sh writes to compose/.env.
func passwords() []string {
	return []string{"GRAINMESH_USER=1000:1000", "POSTGRES_PASSWORD=p", "REDIS_PASSWORD=r", "S3_SECRET=s"}
}

// A field that nobody reads, a reference to nothing and a file that is not there are
// errors, not surprises.
func TestToolIsStrict(t *testing.T) {
	t.Parallel()
	program, err := tool()
	require.NoError(t, err)
	for name, c := range map[string]struct{ kind, text, want string }{
		"field of no service":    {"compose", "services: {a: {image: b, helthcheck: {}}}", "helthcheck"},
		"variable not set":       {"compose", "services: {a: {image: \"${NEVER_SET_ANYWHERE:?say it}\"}}", "say it"},
		"env file not there":     {"compose", "services: {a: {image: b, env_file: [none.env]}}", "none.env"},
		"depends on nothing":     {"compose", "services: {a: {image: b, depends_on: [c]}}", "depends on undefined service"},
		"field of no object":     {"objects", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {portz: []}\n", "portz"},
		"field twice":            {"objects", "apiVersion: v1\nkind: Service\nmetadata: {name: a, name: b}\n", "already set"},
		"field unknown to us":    {"objects", "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: a}\nspec: {maxReplicas: 1}\n", "maxReplicas"},
		"kind of no version":     {"objects", "apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: a}\n", "apps/v1beta1"},
		"number where a text is": {"objects", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {b: 1}\n", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "compose.yaml")
			require.NoError(t, os.WriteFile(file, []byte("# a test's\n"+c.text), 0o600))
			if c.kind == "compose" {
				require.NoError(t, os.WriteFile(file, []byte("name: test\n"+c.text), 0o600))
			}
			out, err := exec.CommandContext(t.Context(), program, c.kind, file).CombinedOutput()
			require.Error(t, err)
			require.Contains(t, string(out), c.want)
		})
	}
}
