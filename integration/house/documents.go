package house

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	codePiece = regexp.MustCompile("(?s)```.*?```|`[^`\n]+`")
	linkTo    = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	namedPath = regexp.MustCompile("`((?:rpc|pkg|services|integration|scripts|compose|k8s)/[\\w./*-]+)`")

	makeUse    = regexp.MustCompile(`\bmake ([A-Za-z][\w-]*)`)
	makeTarget = regexp.MustCompile(`(?m)^([a-z][a-z%-]*):`)

	commandUse = regexp.MustCompile(`(-n )?\bgrainmesh(?: --json| --(?:data|api|token|tenant) \S+)* ([a-z][a-z-]*)`)
	commandDef = regexp.MustCompile(`&cli\.Command\{\s*Name: "([a-z-]+)"`)

	rpcDef    = regexp.MustCompile(`(?m)^(?:service (\w+) \{|\s+rpc (\w+)\()`)
	metricUse = regexp.MustCompile(`\bgrainmesh_[a-z_]*[a-z]`)
	subsystem = regexp.MustCompile(`Subsystem: "(\w+)"`)
)

// commandsIn is where the commands of grainmesh are defined.
const commandsIn = "services/grainmesh/cli"

// code returns what a document sets in the type of code.
func code(text string) string { return strings.Join(codePiece.FindAllString(text, -1), "\n") }

// DocumentsNamePaths finds links and paths in documents that lead nowhere.
func DocumentsNamePaths(t Tree) []string {
	var findings []string
	for _, doc := range t.Files("*.md") {
		var targets []string
		for _, link := range linkTo.FindAllStringSubmatch(t[doc], -1) {
			if path.Ext(link[1]) != ".png" { // the tree holds texts
				targets = append(targets, path.Join(path.Dir(doc), link[1]))
			}
		}
		for _, named := range namedPath.FindAllStringSubmatch(t[doc], -1) {
			targets = append(targets, strings.TrimSuffix(named[1], "/"))
		}
		for _, target := range targets {
			if !t.leads(target) {
				findings = append(findings, fmt.Sprintf("%s names %s, which is not there", doc, target))
			}
		}
	}
	return findings
}

// leads says whether a path or pattern names a file or folder of the tree.
func (t Tree) leads(target string) bool {
	if t.Has(target) || t.HasFolder(target) {
		return true
	}
	for name := range t {
		if ok, err := path.Match(target, name); ok && err == nil {
			return true
		}
	}
	return false
}

// DocumentsNameTargets finds targets of make in documents that the Makefile lacks.
func DocumentsNameTargets(t Tree) []string {
	var findings []string
	for _, doc := range t.Files("*.md") {
		for _, use := range makeUse.FindAllStringSubmatch(code(t[doc]), -1) {
			if !slices.ContainsFunc(makeTarget.FindAllStringSubmatch(t["Makefile"], -1), func(target []string) bool {
				before, _, pattern := strings.Cut(target[1], "%")
				return use[1] == target[1] || pattern && strings.HasPrefix(use[1], before)
			}) {
				findings = append(findings, fmt.Sprintf("%s: there is no make %s", doc, use[1]))
			}
		}
	}
	return findings
}

// DocumentsNameCommands finds commands of grainmesh in documents that it does not have,
// and those that its README does not name.
func DocumentsNameCommands(t Tree) []string {
	there := []string{"help", "completion"} // the library's
	var findings []string
	for _, file := range t.Files("*.go") {
		if path.Dir(file) != commandsIn {
			continue
		}
		for _, def := range commandDef.FindAllStringSubmatch(t[file], -1) {
			there = append(there, def[1])
			if !regexp.MustCompile(`\b` + def[1] + `\b`).MatchString(code(t["services/grainmesh/README.md"])) {
				findings = append(findings, fmt.Sprintf("services/grainmesh/README.md lacks the command %s", def[1]))
			}
		}
	}
	for _, doc := range t.Files("*.md") {
		for _, use := range commandUse.FindAllStringSubmatch(code(t[doc]), -1) {
			if use[1] == "" && !slices.Contains(there, use[2]) { // after -n it is a namespace
				findings = append(findings, fmt.Sprintf("%s: there is no command grainmesh %s", doc, use[2]))
			}
		}
	}
	return findings
}

// READMEsListMethods finds services whose README does not name a Twirp service or method
// of theirs.
func READMEsListMethods(t Tree) []string {
	var findings []string
	for _, proto := range t.Files("*.proto") {
		parts := strings.Split(proto, "/")
		i := slices.IndexFunc(t.Folders("services"), func(name string) bool {
			return len(parts) > 1 && strings.HasPrefix(strings.ReplaceAll(name, "-", ""), parts[1])
		})
		if i < 0 {
			continue // types alone
		}
		readme := "services/" + t.Folders("services")[i] + "/README.md"
		for _, def := range rpcDef.FindAllStringSubmatch(t[proto], -1) {
			name := def[1] + def[2]
			if !regexp.MustCompile(`\b` + name + `\b`).MatchString(code(t[readme])) {
				findings = append(findings, fmt.Sprintf("%s lacks `%s` of %s", readme, name, proto))
			}
		}
	}
	return findings
}

// DocumentsNameMetrics finds metrics (and cookies) in documents that no code makes.
func DocumentsNameMetrics(t Tree) []string {
	var findings []string
	for _, doc := range t.Files("*.md") {
		for _, name := range metricUse.FindAllString(code(t[doc]), -1) {
			if !slices.ContainsFunc(t.Files("*.go"), func(file string) bool { return makes(t[file], name) }) {
				findings = append(findings, fmt.Sprintf("%s: nothing makes %s", doc, name))
			}
		}
	}
	return findings
}

// makes says whether a file holds a name, whole or as the rest after its subsystem's.
func makes(text, name string) bool {
	if strings.Contains(text, `"`+name+`"`) {
		return true
	}
	for _, of := range subsystem.FindAllStringSubmatch(text, -1) {
		if rest, ok := strings.CutPrefix(name, "grainmesh_"+of[1]+"_"); ok && strings.Contains(text, `"`+rest+`"`) {
			return true
		}
	}
	return false
}
