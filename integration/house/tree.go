package house

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// module is the path that the four modules of the workspace share.
const module = "github.com/grainmesh/grainmesh/"

// Tree is the text of a repository: every file that git tracks, or would if it was
// added, by its slash-separated path from the root.
type Tree map[string]string

// ReadTree reads the working tree at root.
func ReadTree(root string) (Tree, error) {
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list the files of %s with git: %w", root, err)
	}
	tree := Tree{}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if os.IsNotExist(err) {
			continue // deleted, and not yet committed
		}
		if err != nil {
			return nil, fmt.Errorf("read a tracked file: %w", err)
		}
		if !bytes.ContainsRune(text, 0) {
			tree[name] = string(text)
		}
	}
	return tree, nil
}

// Files returns the paths that match one of the patterns of [path.Match], which are
// tried on the base name, in order.
func (t Tree) Files(patterns ...string) []string {
	var files []string
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if slices.ContainsFunc(patterns, func(p string) bool {
			ok, err := path.Match(p, path.Base(name))
			return ok && err == nil
		}) {
			files = append(files, name)
		}
	}
	return files
}

// Has says whether the tree holds a file.
func (t Tree) Has(name string) bool {
	_, ok := t[name]
	return ok
}

// HasFolder says whether the tree holds a file somewhere below a folder.
func (t Tree) HasFolder(name string) bool {
	for file := range t {
		if strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}

// Folders returns the names of the folders directly in a folder, in order.
func (t Tree) Folders(in string) []string {
	names := map[string]bool{}
	for file := range t {
		if rest, ok := strings.CutPrefix(file, in+"/"); ok {
			if name, _, ok := strings.Cut(rest, "/"); ok {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// GoFile is one parsed file of the tree.
type GoFile struct {
	Path string
	AST  *ast.File
	fset *token.FileSet
}

// GoFiles parses every Go file of the tree that people wrote. A file that does not
// parse is a finding of the compiler, and is left out here.
func (t Tree) GoFiles() []GoFile {
	var files []GoFile
	for _, name := range t.Files("*.go") {
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, name, t[name], parser.ParseComments|parser.SkipObjectResolution)
		if err == nil && !ast.IsGenerated(parsed) {
			files = append(files, GoFile{name, parsed, fset})
		}
	}
	return files
}

// IsTest says whether the file is compiled for tests only.
func (f GoFile) IsTest() bool { return strings.HasSuffix(f.Path, "_test.go") }

// Folder returns the file's folder, which is its package's import path without [module].
func (f GoFile) Folder() string { return path.Dir(f.Path) }

// Imports returns what the file imports from this repository, without [module].
func (f GoFile) Imports() []string {
	var imports []string
	for _, spec := range f.AST.Imports {
		if own, ok := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module); ok {
			imports = append(imports, own)
		}
	}
	return imports
}

// at names a place in the file, as an editor can open it.
func (f GoFile) at(pos token.Pos) string {
	return fmt.Sprintf("%s:%d", f.Path, f.fset.Position(pos).Line)
}

// within says whether a folder is another, or lies below it.
func within(folder, in string) bool {
	return folder == in || strings.HasPrefix(folder, in+"/")
}

// readRoot finds the root of the repository from a folder inside it.
func readRoot(from string) (string, error) {
	for dir := from; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		} else if !os.IsNotExist(err) || dir == filepath.Dir(dir) {
			return "", fmt.Errorf("find go.work above %s: %w", from, fs.ErrNotExist)
		}
	}
}
