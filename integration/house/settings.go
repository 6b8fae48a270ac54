package house

import (
	"fmt"
	"go/ast"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// setting is one variable of a process's environment, without its prefix.
type setting struct{ name, fallback string }

// row is how a README's table of settings begins the line of a setting.
func (s setting) row() string {
	if s.fallback == "" {
		return fmt.Sprintf("| `%s` | |", s.name)
	}
	return fmt.Sprintf("| `%s` | `%s` |", s.name, s.fallback)
}

var settingRow = regexp.MustCompile("(?m)^\\| *`([A-Z][A-Z0-9_]*)` *\\| *(?:`([^`]*)`)? *\\|")

// policy is the struct of settings that every consumer of work embeds.
const policy = "Policy"

// READMEsListSettings finds differences between the tables of settings in READMEs
// and the structs that are read: Settings of pkg/service in the README at the root,
// Config of each service in its own. A row is | `NAME` | `default` | meaning |.
func READMEsListSettings(t Tree) []string {
	structs := settingsOf(t)
	tables := map[string][]setting{}
	if settings, ok := structs["pkg/service.Settings"]; ok {
		tables["README.md"] = settings
	}
	for _, name := range t.Folders("services") {
		folder := path.Join("services", name)
		if config, ok := structs[folder+".Config"]; ok {
			tables[folder+"/README.md"] = append(config, structs[folder+"."+policy]...)
		}
	}
	var findings []string
	for _, readme := range slices.Sorted(maps.Keys(tables)) {
		findings = append(findings, compareSettings(readme, t[readme], tables[readme])...)
	}
	return findings
}

func compareSettings(readme, text string, want []setting) []string {
	var listed []setting
	for _, row := range settingRow.FindAllStringSubmatch(text, -1) {
		listed = append(listed, setting{row[1], row[2]})
	}
	var findings []string
	for _, s := range want {
		if !slices.Contains(listed, s) {
			findings = append(findings, fmt.Sprintf("%s: the table of settings lacks %s", readme, s.row()))
		}
	}
	for _, s := range listed {
		if !slices.Contains(want, s) {
			findings = append(findings, fmt.Sprintf("%s: no such setting, or not with this default: %s", readme, s.row()))
		}
	}
	return findings
}

// settingsOf returns the settings of each struct that holds any, by folder and name.
// One that embeds a [policy] has those of pkg/bus too, under the embedding folder.
func settingsOf(t Tree) map[string][]setting {
	structs := map[string][]setting{}
	var consumers []string
	for _, file := range t.GoFiles() {
		ast.Inspect(file.AST, func(node ast.Node) bool {
			spec, ok := node.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if body, ok := spec.Type.(*ast.StructType); ok {
				found, consumes := fieldSettings(body)
				if len(found) > 0 || consumes {
					structs[file.Folder()+"."+spec.Name.Name] = found
				}
				if consumes {
					consumers = append(consumers, file.Folder())
				}
			}
			return false
		})
	}
	for _, folder := range consumers {
		structs[folder+"."+policy] = structs["pkg/bus."+policy]
	}
	return structs
}

// fieldSettings returns the settings of a struct's own fields, and whether it embeds
// the policy of consumers.
func fieldSettings(body *ast.StructType) (found []setting, consumes bool) {
	for _, field := range body.Fields.List {
		consumes = consumes || len(field.Names) == 0 && isSelector(field.Type, "bus", policy)
		if field.Tag == nil {
			continue
		}
		tag := reflect.StructTag(strings.Trim(field.Tag.Value, "`"))
		if name := tag.Get("envconfig"); name != "" {
			found = append(found, setting{name, tag.Get("default")})
		}
	}
	return found, consumes
}
