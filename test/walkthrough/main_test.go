// Package walkthrough tells stories of people with the real programs: causeway
// as a process of its own, kubectl of several versions, curl, and servers that
// people have behind services.
//
// Stories that fit a script are in testdata/script; those which need network
// addresses or mounts of their own are in testdata/host and run inside
// namespaces that the test makes, which takes the build tag host. Stories that
// need a program's parts are Go tests.
package walkthrough

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/causeway-access/causeway/internal/cli"
	"github.com/causeway-access/causeway/internal/node/apart"
	_ "github.com/causeway-access/causeway/internal/podrun/ns/early"
	"github.com/causeway-access/causeway/test/stepwise"
)

// TestMain makes this test binary the programs causeway and kubectl: both
// names are put into PATH, for scripts and for every process a test starts.
func TestMain(m *testing.M) {
	stepwise.Main(os.Args)
	apart.Main(os.Args) // this binary is a node's agent, too
	program := func() {
		os.Exit(cli.Main(os.Args, genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}))
	}
	testscript.Main(&everyone{m}, map[string]func(){"causeway": program, "kubectl": program})
}

// everyone lets every user of the machine run the programs, which are in a
// directory that is closed to others, before the tests are run.
type everyone struct{ *testing.M }

// Run implements [testscript.TestingM].
func (e *everyone) Run() int {
	path, err := exec.LookPath("causeway")
	if err == nil {
		err = os.Chmod(filepath.Dir(filepath.Dir(path)), 0o711)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "opening the programs to every user:", err)
		return 1
	}
	return e.M.Run()
}
