package house

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/subjects"
)

// rules are those that need nothing but the tree.
func rules() map[string]func(Tree) []string {
	return map[string]func(Tree) []string{
		"modules import in one direction":     ModulesLayered,
		"packages of pkg are in order":        PackagesOrdered,
		"services do not import one another":  ServicesApart,
		"embedded servers stay out of images": EmbedConfined,
		"service folders have the same files": ServiceFolders,
		"no file is empty":                    NothingEmpty,
		"metrics are in metrics.go":           InstrumentsTogether,
		"packages have a comment":             PackagesDocumented,
		"contracts lie where they are called": ContractsPlaced,
		"files are short":                     FilesShort,
		"nothing of one machine":              NothingOfAMachine,
		"tests do not sleep":                  NoSleepInTests,
		"skips are loud":                      SkipsLoud,
		"README maps the services":            READMEMapsServices,
		"READMEs list the settings":           READMEsListSettings,
		"READMEs list the methods":            READMEsListMethods,
		"documents name paths":                DocumentsNamePaths,
		"documents name targets of make":      DocumentsNameTargets,
		"documents name commands":             DocumentsNameCommands,
		"documents name metrics":              DocumentsNameMetrics,
	}
}

// root returns the repository's root and its files.
func root(t *testing.T) (string, Tree) {
	t.Helper()
	here, err := os.Getwd()
	require.NoError(t, err)
	dir, err := readRoot(here)
	require.NoError(t, err)
	tree, err := ReadTree(dir)
	require.NoError(t, err)
	require.Contains(t, tree, "go.work", "the tree was not read")
	return dir, tree
}

func TestRepository(t *testing.T) {
	t.Parallel()
	_, tree := root(t)
	for name, rule := range rules() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, finding := range rule(tree) {
				t.Error(finding)
			}
		})
	}
}

func TestREADMEListsSubjects(t *testing.T) {
	t.Parallel()
	_, tree := root(t)
	for _, finding := range READMEListsSubjects(tree, subjects.Table()) {
		t.Error(finding)
	}
}

func TestMakeFuzzRunsEveryTarget(t *testing.T) {
	t.Parallel()
	dir, tree := root(t)
	list := exec.CommandContext(t.Context(), "scripts/fuzz.sh", "list")
	list.Dir = dir
	out, err := list.Output()
	require.NoError(t, err)
	listed := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		listed[strings.TrimSpace(line)] = true
	}
	for _, finding := range FuzzTargetsListed(tree, listed) {
		t.Error(finding)
	}
}
