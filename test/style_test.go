package test

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// longest is how many lines a function may have: what fits on a screen.
const longest = 70

// sources calls f with each Go file of the repository that people write.
func sources(t *testing.T, f func(name string, source []byte, file *ast.File, set *token.FileSet)) {
	t.Helper()
	top := root(t)
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "testdata") {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, source, parser.ParseComments)
		if err != nil {
			return err
		}
		if ast.IsGenerated(file) || strings.HasPrefix(filepath.Base(path), "zz_generated") {
			return nil
		}
		name, err := filepath.Rel(top, path)
		f(name, source, file, set)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSourcesFollowTheStyle(t *testing.T) {
	count := 0
	sources(t, func(name string, source []byte, file *ast.File, set *token.FileSet) {
		count++
		formatted, err := format.Source(source)
		if err != nil || !bytes.Equal(source, formatted) {
			t.Errorf("%s is not formatted: run gofmt (%v)", name, err)
		}
		for _, group := range file.Comments {
			for _, comment := range group.List {
				for _, word := range []string{"TODO", "FIXME", "XXX"} {
					if strings.Contains(comment.Text, word) {
						t.Errorf("%s:%d: %s: do it, or write an issue", name, set.Position(comment.Pos()).Line, word)
					}
				}
			}
		}
		checkFunctions(t, name, file, set)
	})
	if count < 50 {
		t.Errorf("only %d files were looked at", count)
	}
}

// mayInit may have an init function, as docs/decisions/0016-early-pods.md says.
const mayInit = "internal/podrun/ns/early/early.go"

// checkFunctions finds functions that are too long, and init.
func checkFunctions(t *testing.T, name string, file *ast.File, set *token.FileSet) {
	t.Helper()
	for _, declaration := range file.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		if !ok {
			continue
		}
		first, last := set.Position(f.Pos()).Line, set.Position(f.End()).Line
		if lines := last - first + 1; lines > longest && !strings.HasSuffix(name, "_test.go") {
			t.Errorf("%s:%d: %s has %d lines, more than %d: name its parts", name, first, f.Name.Name, lines, longest)
		}
		if f.Recv == nil && f.Name.Name == "init" && name != mayInit {
			t.Errorf("%s:%d: init runs whether or not it is wanted: call a function", name, first)
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range list(t, "./...") {
		if len(p.GoFiles) == 0 {
			continue // tests alone
		}
		want := "Package " + filepath.Base(p.name()) + " "
		if p.Name == "main" {
			want = "Command " + filepath.Base(p.name()) + " "
		}
		if !strings.HasPrefix(p.Doc, want) {
			t.Errorf("%s: the package comment is %q, want it to begin with %q", p.ImportPath, p.Doc, want)
		}
	}
}
