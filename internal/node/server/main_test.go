//go:build linux && host

package server_test

import (
	"os"
	"path/filepath"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/causeway-access/causeway/internal/cli"
	"github.com/causeway-access/causeway/internal/podrun/ns/pod"
)

// TestMain makes this test binary the init process of pods, and kubectl when it
// is called so; else it runs the tests.
func TestMain(m *testing.M) {
	pod.Main(os.Args)
	if filepath.Base(os.Args[0]) == "kubectl" {
		os.Exit(cli.Main(os.Args, genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}))
	}
	os.Exit(m.Run())
}
