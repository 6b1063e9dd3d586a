//go:build host

package browser

import (
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/causeway-access/causeway/internal/cli"
)

// patience bounds every wait. It is long because the programs may share two
// cores with other tests; what is waited for is noticed at once.
const (
	patience = 2 * time.Minute
	// pause is between two looks at what is waited for.
	pause = 50 * time.Millisecond
)

// TestMain makes this test binary the program causeway and puts it into PATH.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"causeway": func() {
		os.Exit(cli.Main(os.Args, genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}))
	}})
}
