package portforward_test

import (
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/portforward"
)

func TestParseTarget(t *testing.T) {
	for text, want := range map[string]portforward.Target{
		"db":              {Resource: "pods", Namespace: "n", Name: "db"},
		"svc/db":          {Resource: "services", Namespace: "n", Name: "db"},
		"Service/db":      {Resource: "services", Namespace: "n", Name: "db"},
		"po/db":           {Resource: "pods", Namespace: "n", Name: "db"},
		"deploy/db":       {Resource: "deployments", Namespace: "n", Name: "db"},
		"statefulsets/db": {Resource: "statefulsets", Namespace: "n", Name: "db"},
		"":                {},
		"svc/":            {},
		"node/db":         {},
		"svc/a/b":         {},
		"svc/../x":        {},
		"svc/a?b":         {},
	} {
		got, err := portforward.ParseTarget(text, "n")
		if got != want || (err == nil) != (want.Name != "") {
			t.Errorf("%q: %+v, %v, want %+v", text, got, err, want)
		}
	}
}

// FuzzParseTarget reads anything: what comes out can stand in a URL's path.
func FuzzParseTarget(f *testing.F) {
	f.Add("svc/db")
	f.Add("/")
	f.Add("pod/a%2fb")
	f.Fuzz(func(t *testing.T, text string) {
		target, err := portforward.ParseTarget(text, "n")
		if err == nil && (target.Name == "" || target.Resource == "" || strings.ContainsAny(target.Name, "/%?#")) {
			t.Errorf("%q: %+v", text, target)
		}
	})
}
