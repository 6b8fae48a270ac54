package house

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// maxMainLines bounds cmd/main.go of a service: what starts it lives in pkg/service.
const maxMainLines = 25

// ServiceFolders finds services whose folder lacks a file that all have.
func ServiceFolders(t Tree) []string {
	var findings []string
	for _, name := range t.Folders("services") {
		folder := "services/" + name
		files := []string{"README.md", "doc.go", "cmd/main.go"}
		if name != "grainmesh" {
			files = append(files, strings.ReplaceAll(name, "-", "")+".go", "config.go")
		}
		for _, file := range files {
			if !t.Has(path.Join(folder, file)) {
				findings = append(findings, fmt.Sprintf("%s has no %s", folder, file))
			}
		}
		if t.Has(folder+"/store.go") && !t.HasFolder(folder+"/migrations") {
			findings = append(findings, fmt.Sprintf("%s has a store.go and no migrations", folder))
		}
		if lines := strings.Count(t[folder+"/cmd/main.go"], "\n"); lines > maxMainLines && name != "grainmesh" {
			findings = append(findings, fmt.Sprintf(
				"%s/cmd/main.go has %d lines, %d at most: what all services do at start is in pkg/service",
				folder, lines, maxMainLines))
		}
	}
	return findings
}

// NothingEmpty finds Go files without a declaration, other than doc.go.
func NothingEmpty(t Tree) []string {
	var findings []string
	for _, file := range t.GoFiles() {
		if len(file.AST.Decls) == 0 && path.Base(file.Path) != "doc.go" {
			findings = append(findings, file.Path+" declares nothing: no file for symmetry")
		}
	}
	return findings
}

var instrument = regexp.MustCompile(`\b(prometheus|promauto)\.New(Counter|Gauge|Histogram|Summary)`)

// InstrumentsTogether finds services that make a metric outside metrics.go.
func InstrumentsTogether(t Tree) []string {
	var findings []string
	for _, name := range t.Files("*.go") {
		if serviceOf(path.Dir(name)) != "" && path.Base(name) != "metrics.go" && instrument.MatchString(t[name]) {
			findings = append(findings, name+" makes a metric: a service keeps every instrument in metrics.go")
		}
	}
	return findings
}

// PackagesDocumented finds packages without a package comment, or whose comment is
// not in doc.go where there is one.
func PackagesDocumented(t Tree) []string {
	documented := map[string]bool{}
	for _, file := range t.GoFiles() {
		if file.IsTest() {
			continue
		}
		folder := file.Folder()
		documented[folder] = documented[folder] || file.AST.Doc.Text() != ""
	}
	var findings []string
	for folder, ok := range documented {
		if !ok {
			findings = append(findings, folder+" has no package comment")
		}
	}
	slices.Sort(findings)
	return findings
}

var (
	protoPackage = regexp.MustCompile(`(?m)^package (\S+);$`)
	protoService = regexp.MustCompile(`(?m)^service \w+ \{`)
)

// ContractsPlaced finds .proto files whose package is not the one of their folder,
// and those with more than one Twirp service.
func ContractsPlaced(t Tree) []string {
	var findings []string
	for _, name := range t.Files("*.proto") {
		folder, ok := strings.CutPrefix(path.Dir(name), "rpc/")
		if !ok {
			findings = append(findings, name+" is a contract outside rpc/")
			continue
		}
		want := "grainmesh." + strings.ReplaceAll(folder, "/", ".")
		if got := protoPackage.FindStringSubmatch(t[name]); got == nil || got[1] != want {
			findings = append(findings, fmt.Sprintf("%s: its package is not %s", name, want))
		}
		if n := len(protoService.FindAllString(t[name], -1)); n > 1 {
			findings = append(findings, fmt.Sprintf("%s: %d services, one a file", name, n))
		}
	}
	return findings
}
