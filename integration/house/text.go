package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// maxLines is the length of a file past which it holds two ideas.
const maxLines = 500

// FilesShort finds files that people wrote with more than [maxLines] lines.
func FilesShort(t Tree) []string {
	var findings []string
	check := func(name string) {
		if lines := strings.Count(t[name], "\n"); lines > maxLines {
			findings = append(findings, fmt.Sprintf("%s has %d lines, %d at most", name, lines, maxLines))
		}
	}
	for _, file := range t.GoFiles() {
		check(file.Path)
	}
	for _, name := range t.Files("*.ts", "*.tsx", "*.css", "*.sh", "*.sql", "*.proto") {
		if !strings.Contains(name, "/web/src/api/") {
			check(name)
		}
	}
	return findings
}

// house is where machines' paths and hosts are spelled, to be found elsewhere.
const house = "integration/house"

var (
	machinePath  = regexp.MustCompile(`(?m)(^|[\s"'` + "`" + `=:(])(/(work|root)/[\w.]|/home/\w+/)`)
	registryHost = regexp.MustCompile(`\b((proxy|sum)\.golang\.org|registry\.(npmjs|yarnpkg)\.(org|com))\b`)
)

// NothingOfAMachine finds paths of one machine and hosts of registries: both are
// settings of whoever builds. (npm writes no hosts with omit-lockfile-registry-resolved.)
func NothingOfAMachine(t Tree) []string {
	var findings []string
	for _, name := range t.Files("*") {
		if path.Dir(name) == house {
			continue
		}
		for i, line := range strings.Split(t[name], "\n") {
			if found := machinePath.FindString(line); found != "" {
				findings = append(findings, fmt.Sprintf("%s:%d names the path of a machine: %s", name, i+1, line))
			}
			if found := registryHost.FindString(line); found != "" {
				findings = append(findings, fmt.Sprintf("%s:%d names a registry: %s", name, i+1, found))
			}
		}
	}
	return findings
}

// sleepsOnPurpose are functions that may take their time, by file: what is slow there is
// what the test is about, and not how it waits.
var sleepsOnPurpose = map[string]string{
	"pkg/serve/pace_test.go": "TestPaceLeavesOthersAlone", // a client and a handler that dawdle
	"pkg/work/work_test.go":  "ReadAt",                    // a source that drips
}

// NoSleepInTests finds calls of time.Sleep in tests and in the suites they share, and
// waits for nothing but time.After, which is the same. A select with another way out is
// a bound, and no sleep.
func NoSleepInTests(t Tree) []string {
	var findings []string
	for _, file := range t.GoFiles() {
		if !isTestCode(file) && !within(file.Folder(), "integration") {
			continue
		}
		for _, decl := range file.AST.Decls {
			if function, ok := decl.(*ast.FuncDecl); ok && sleepsOnPurpose[file.Path] == function.Name.Name {
				continue
			}
			for _, sleep := range sleepsIn(decl) {
				findings = append(findings, file.at(sleep.Pos())+" sleeps: poll a condition, or wait for a signal")
			}
		}
	}
	return findings
}

func sleepsIn(decl ast.Decl) []ast.Node {
	var sleeps []ast.Node
	bounds := map[ast.Node]bool{}
	ast.Inspect(decl, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.SelectStmt:
			for _, way := range node.Body.List {
				if clause, ok := way.(*ast.CommClause); ok && clause.Comm != nil {
					bounds[clause.Comm] = len(node.Body.List) > 1
				}
			}
		case *ast.CallExpr:
			if isSelector(node.Fun, "time", "Sleep") {
				sleeps = append(sleeps, node)
			}
		case *ast.ExprStmt:
			if !bounds[node] && isAfter(node.X) {
				sleeps = append(sleeps, node)
			}
		}
		return true
	})
	return sleeps
}

// isAfter says whether an expression is <-time.After(d).
func isAfter(expr ast.Expr) bool {
	receive, ok := expr.(*ast.UnaryExpr)
	if !ok || receive.Op != token.ARROW {
		return false
	}
	call, ok := receive.X.(*ast.CallExpr)
	return ok && isSelector(call.Fun, "time", "After")
}

// SkipsLoud finds tests that skip themselves silently. A skip is for the short run
// (inside `if testing.Short()`), or stands in a function that asks for "CI" first and
// fails there.
func SkipsLoud(t Tree) []string {
	var findings []string
	for _, file := range t.GoFiles() {
		for _, decl := range file.AST.Decls {
			function, ok := decl.(*ast.FuncDecl)
			if !ok || function.Body == nil || asksForCI(function) {
				continue
			}
			for _, skip := range silentSkips(function.Body) {
				findings = append(findings, file.at(skip.Pos())+
					" skips where CI would not see it: fail if the environment has CI, or look for testing.Short()")
			}
		}
	}
	return findings
}

// silentSkips returns the calls of Skip, Skipf and SkipNow outside `if testing.Short()`.
func silentSkips(body ast.Node) []*ast.CallExpr {
	var skips []*ast.CallExpr
	ast.Inspect(body, func(node ast.Node) bool {
		if branch, ok := node.(*ast.IfStmt); ok {
			if call, ok := branch.Cond.(*ast.CallExpr); ok && isSelector(call.Fun, "testing", "Short") {
				return false
			}
		}
		call, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		receiver, ok := method.X.(*ast.Ident)
		isTest := ok && (receiver.Name == "t" || receiver.Name == "tb" || receiver.Name == "b" || receiver.Name == "f")
		if isTest && strings.HasPrefix(method.Sel.Name, "Skip") && method.Sel.Name != "Skipped" {
			skips = append(skips, call)
		}
		return true
	})
	return skips
}

// asksForCI says whether a function looks up the variable CI.
func asksForCI(function *ast.FuncDecl) bool {
	found := false
	ast.Inspect(function, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if ok && (isSelector(call.Fun, "os", "Getenv") || isSelector(call.Fun, "os", "LookupEnv")) && len(call.Args) == 1 {
			name, ok := call.Args[0].(*ast.BasicLit)
			found = found || ok && name.Value == strconv.Quote("CI")
		}
		return !found
	})
	return found
}

// FuzzTargetsListed finds fuzz targets that `make fuzz` would not run. Listed holds
// the lines of `scripts/fuzz.sh list`: "./folder Target".
func FuzzTargetsListed(t Tree, listed map[string]bool) []string {
	var findings []string
	for _, file := range t.GoFiles() {
		for _, decl := range file.AST.Decls {
			function, ok := decl.(*ast.FuncDecl)
			if !ok || !file.IsTest() || !strings.HasPrefix(function.Name.Name, "Fuzz") {
				continue
			}
			if !listed["./"+file.Folder()+" "+function.Name.Name] {
				findings = append(findings, fmt.Sprintf("%s: make fuzz does not run %s", file.Path, function.Name.Name))
			}
		}
	}
	return findings
}

func isSelector(expr ast.Expr, pkg, name string) bool {
	selector, ok := expr.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != name {
		return false
	}
	ident, ok := selector.X.(*ast.Ident)
	return ok && ident.Name == pkg
}
