package test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// floors is the house of docs/architecture.md. A package may import packages
// of lower floors only; the parts of one top-level package may import each
// other. This keeps the way of a request readable in one direction, and lets
// every package be understood with nothing above it in mind.
var floors = map[string]int{
	"internal/conn":        0,
	"internal/fault":       0,
	"internal/kubeconfig":  0,
	"internal/lockfile":    0,
	"internal/observe":     0,
	"internal/privatefile": 0,
	"internal/route":       0,
	"internal/version":     0,
	"internal/xconnect":    0,

	"internal/authn":       1,
	"internal/authz":       1,
	"internal/catalog":     1,
	"internal/certs":       1,
	"internal/dns":         1,
	"internal/endpoint":    1,
	"internal/engine":      1,
	"internal/portforward": 1,
	"internal/podrun":      1,
	"internal/rewrite":     1,
	"internal/store":       1,
	"internal/svcproxy":    1,
	"internal/transport":   1,
	"internal/tunnel":      1,

	"internal/apiserver":  2,
	"internal/controller": 2,
	"internal/gateway":    2,
	"internal/localproxy": 2,
	"internal/node":       2,

	"internal/cluster": 3,
	"internal/echo":    3,

	"internal/cli": 4,

	"cmd/causeway": 5,
}

// forbidden are imports that nothing may bring in, and why.
var forbidden = map[string]string{
	"k8s.io/kubernetes": "it is not made to be a library: it needs replace lines, and they break `go install` (docs/decisions/0001-apiserver-library.md)",
	"C":                 "cgo makes the binary depend on the system it was built on (docs/decisions/0006-no-cgo.md)",
}

// top is the package that a package belongs to: internal/authn for
// internal/authn/basic, cmd/causeway for itself.
func top(name string) string {
	parts := strings.SplitN(name, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

// floorError says why one package must not import another; empty if it may.
func floorError(from, to string) string {
	from, to = top(from), top(to)
	upper, known := floors[from]
	lower, knownTo := floors[to]
	switch {
	case !known || !knownTo:
		unknown := from
		if known {
			unknown = to
		}
		return fmt.Sprintf("%s is on no floor: add it to the table in test/floors_test.go and to docs/architecture.md", unknown)
	case from == to, lower < upper:
		return ""
	case lower == upper:
		return fmt.Sprintf("both are on floor %d: let a package above give one of them what it needs, or move what they share down", upper)
	}
	return fmt.Sprintf("floor %d imports floor %d: a package knows only what is below it", upper, lower)
}

// helps reports that a package is one that tests of several packages share, as
// the standard library's httptest is: by its name. It may use what is in test.
func helps(name string) bool { return strings.HasSuffix(name, "test") }

func TestPackagesImportLowerFloorsOnly(t *testing.T) {
	for _, p := range list(t, "./...") {
		name := p.name()
		if !strings.HasPrefix(name, "internal/") && !strings.HasPrefix(name, "cmd/") {
			continue
		}
		if _, ok := floors[top(name)]; !ok {
			t.Errorf("%s: %s", name, floorError(name, name))
		}
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module+"/")
			if !ours {
				continue
			}
			if helps(name) && strings.HasPrefix(to, "test/") {
				continue
			}
			if helps(to) && !helps(name) {
				t.Errorf("%s imports %s, which is for tests", name, to)
			}
			if why := floorError(name, to); why != "" {
				t.Errorf("%s imports %s: %s", name, to, why)
			}
		}
	}
}

func TestFloorErrors(t *testing.T) {
	for _, test := range []struct{ from, to, want string }{
		{"internal/gateway", "internal/route", ""},
		{"internal/apiserver/registry", "internal/apiserver/scheme", ""},
		{"cmd/causeway", "internal/cli", ""},
		{"internal/route", "internal/gateway", "floor 0 imports floor 2"},
		{"internal/gateway", "internal/apiserver/registry", "both are on floor 2"},
		{"internal/gateway", "internal/unheard", "internal/unheard is on no floor"},
	} {
		got := floorError(test.from, test.to)
		if (test.want == "") != (got == "") || !strings.HasPrefix(got, test.want) {
			t.Errorf("%s imports %s: %q, want %q", test.from, test.to, got, test.want)
		}
	}
}

func TestFloorsAreInTheDocument(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root(t), "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range floors {
		if _, err := os.Stat(filepath.Join(root(t), name)); err != nil {
			continue // a place kept for a package to come
		}
		if !strings.Contains(string(data), "`"+name+"`") {
			t.Errorf("docs/architecture.md does not mention `%s`", name)
		}
	}
}

func TestNothingForbiddenIsLinked(t *testing.T) {
	for _, p := range list(t, "-deps", "./cmd/causeway") {
		path := p.ImportPath
		for bad, why := range forbidden {
			if path == bad || strings.HasPrefix(path, bad+"/") {
				t.Errorf("%s is linked: %s", path, why)
			}
		}
		ours := p.Module != nil && p.Module.Path == module
		if ours && (len(p.CgoFiles) > 0 || slices.Contains(p.Imports, "C")) {
			t.Errorf("%s uses cgo: %s", path, forbidden["C"])
		}
	}
}

func TestGoModHasNoReplaceLines(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(data), "\n") {
		if first, _, _ := strings.Cut(strings.TrimSpace(line), " "); first == "replace" || first == "exclude" {
			t.Errorf("go.mod:%d: %s\nsuch a line counts for this module alone, so `go install` of it by others fails", i+1, line)
		}
	}
}
