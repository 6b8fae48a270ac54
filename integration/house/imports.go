package house

import (
	"fmt"
	"slices"
	"strings"
)

// modules says which of the four modules each may import, itself included.
func modules() map[string][]string {
	return map[string][]string{
		"rpc":         {"rpc"},
		"pkg":         {"rpc", "pkg"},
		"services":    {"rpc", "pkg", "services"},
		"integration": {"rpc", "pkg", "services", "integration"},
	}
}

// pkgOrder lists the packages of pkg, from the ground up: each may import those of
// the lines above it and of its own, and nothing below. A new package takes its
// place here.
func pkgOrder() [][]string {
	return [][]string{
		{"mediatime", "mediatest"},
		{"h264", "aac", "gsf", "media"},
		{"pcm", "window"},
		{"fault"},
		{"isobmff"},
		{"urlguard"},
		{"config"},
		{"telemetry"},
		{"proc"},
		{"pg"},
		{"subjects"},
		{"bus"},
		{"outbox"},
		{"objstore"},
		{"rangereader"},
		{"auth"},
		{"serve"},
		{"formats"},
		{"runs", "sources"},
		{"service"},
		{"work"},
		{"embed"},
	}
}

// ModulesLayered finds imports that go against the order of the modules.
func ModulesLayered(t Tree) []string {
	var findings []string
	for _, file := range t.GoFiles() {
		from, _, _ := strings.Cut(file.Path, "/")
		for _, imported := range file.Imports() {
			to, _, _ := strings.Cut(imported, "/")
			if allowed := modules()[from]; !slices.Contains(allowed, to) {
				findings = append(findings, fmt.Sprintf(
					"%s imports %s: %s may import %s", file.Path, imported, from, strings.Join(allowed, ", ")))
			}
		}
	}
	return findings
}

// PackagesOrdered finds packages of pkg that import what stands above them, and
// those that have no place in the order. Tests may look further.
func PackagesOrdered(t Tree) []string {
	rank := map[string]int{}
	for i, line := range pkgOrder() {
		for _, name := range line {
			rank[name] = i
		}
	}
	var findings []string
	for _, name := range t.Folders("pkg") {
		if _, ok := rank[name]; !ok {
			findings = append(findings, fmt.Sprintf("pkg/%s has no place in pkgOrder (integration/house/imports.go)", name))
		}
	}
	for _, file := range t.GoFiles() {
		from, ok := strings.CutPrefix(file.Folder(), "pkg/")
		if !ok || isTestCode(file) {
			continue
		}
		from, _, _ = strings.Cut(from, "/")
		for _, imported := range file.Imports() {
			to, ok := strings.CutPrefix(imported, "pkg/")
			to, _, _ = strings.Cut(to, "/")
			if _, placed := rank[from]; ok && placed && rank[to] > rank[from] {
				findings = append(findings, fmt.Sprintf("%s imports %s, which comes after pkg/%s", file.Path, imported, from))
			}
		}
	}
	return findings
}

// ServicesApart finds services that import one another. Only services/grainmesh,
// which runs them all, may.
func ServicesApart(t Tree) []string {
	var findings []string
	for _, file := range t.GoFiles() {
		own := serviceOf(file.Folder())
		if own == "" || own == "grainmesh" {
			continue
		}
		for _, imported := range file.Imports() {
			if other := serviceOf(imported); other != "" && other != own {
				findings = append(findings, fmt.Sprintf(
					"%s imports %s: services meet over JetStream and Twirp alone", file.Path, imported))
			}
		}
	}
	return findings
}

// EmbedConfined finds imports of the embedded servers: images are built without
// them. Only services/grainmesh and tests have them.
func EmbedConfined(t Tree) []string {
	var findings []string
	for _, file := range t.GoFiles() {
		folder := file.Folder()
		if isTestCode(file) || within(folder, "pkg/embed") || within(folder, "services/grainmesh") ||
			within(folder, "integration") {
			continue
		}
		for _, imported := range file.Imports() {
			if within(imported, "pkg/embed") {
				findings = append(findings, fmt.Sprintf(
					"%s imports %s: only services/grainmesh and tests may", file.Path, imported))
			}
		}
	}
	return findings
}

// serviceOf returns the service that a folder belongs to, or "".
func serviceOf(folder string) string {
	rest, ok := strings.CutPrefix(folder, "services/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// isTestCode says whether a file is a test, or part of a suite or harness that
// tests import: a package called <something>test.
func isTestCode(file GoFile) bool {
	return file.IsTest() || strings.HasSuffix(file.AST.Name.Name, "test")
}
