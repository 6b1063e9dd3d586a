package test

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestWalkthrough tells the stories in walkthrough/: what a person types, and
// what he reads. A script that needs a cluster starts one with `causeway up`.
func TestWalkthrough(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "walkthrough",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("KUBECONFIG", "")
			env.Setenv("KUBERNETES_MASTER", "")
			return nil
		},
	})
}
