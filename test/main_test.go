// Package test holds what is tested from outside: the rules of the house
// (floors, style), the documents, and stories told with the real programs.
package test

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/causeway-access/causeway/internal/cli"
	"github.com/causeway-access/causeway/internal/node/apart"
	_ "github.com/causeway-access/causeway/internal/podrun/ns/early"
)

// TestMain makes this test binary the programs causeway and kubectl: both
// names are put into PATH, for scripts and for every process a test starts.
func TestMain(m *testing.M) {
	apart.Main(os.Args) // this binary is a node's agent, too
	program := func() {
		os.Exit(cli.Main(os.Args, genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}))
	}
	testscript.Main(m, map[string]func(){"causeway": program, "kubectl": program})
}
