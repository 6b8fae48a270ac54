package house

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/grainmesh/grainmesh/pkg/subjects"
)

var (
	serviceRow = regexp.MustCompile("(?m)^\\| *\\[?`([a-z-]+)`\\]?\\(?(services/[a-z-]+)?/?")
	subjectRow = regexp.MustCompile("(?m)^\\| *`((?:work|event|progress|ctl)\\.[^`]*)` *\\| *`([^`]*)` *\\| *`?([^`|]*?)`? *\\|")
)

// READMEMapsServices finds differences between the README's table of services and
// the folders of services/. A row of the table begins with | [`name`](services/name).
func READMEMapsServices(t Tree) []string {
	var findings []string
	folders := t.Folders("services")
	if len(folders) > 0 && !t.Has("README.md") {
		return []string{"README.md is missing: it maps the services"}
	}
	var mapped []string
	for _, row := range serviceRow.FindAllStringSubmatch(t["README.md"], -1) {
		if row[2] == "" {
			continue // another table
		}
		mapped = append(mapped, row[1])
		if row[2] != "services/"+row[1] {
			findings = append(findings, fmt.Sprintf("README.md: the row of %s links to %s", row[1], row[2]))
		}
	}
	for _, name := range folders {
		if !slices.Contains(mapped, name) {
			findings = append(findings, fmt.Sprintf(
				"README.md: the map of services lacks a row | [`%s`](services/%s) | ... |", name, name))
		}
	}
	for _, name := range mapped {
		if !slices.Contains(folders, name) {
			findings = append(findings, fmt.Sprintf("README.md: the map of services has %s, which is no folder", name))
		}
	}
	return findings
}

// READMEListsSubjects finds differences between the README's table of subjects and
// the code's. A row is | `subject` | `message` | `stream` | ... |.
func READMEListsSubjects(t Tree, table []subjects.Row) []string {
	if !t.Has("README.md") {
		return nil // READMEMapsServices says so
	}
	var listed []subjects.Row
	for _, row := range subjectRow.FindAllStringSubmatch(t["README.md"], -1) {
		listed = append(listed, subjects.Row{Subject: row[1], Message: row[2], Stream: strings.TrimSpace(row[3])})
	}
	var findings []string
	for _, row := range table {
		if !slices.Contains(listed, row) {
			findings = append(findings, fmt.Sprintf(
				"README.md: the table of subjects lacks | `%s` | `%s` | `%s` |", row.Subject, row.Message, row.Stream))
		}
	}
	for _, row := range listed {
		if !slices.Contains(table, row) {
			findings = append(findings, fmt.Sprintf("README.md: no such subject in pkg/subjects: %s %s %s",
				row.Subject, row.Message, row.Stream))
		}
	}
	return findings
}
