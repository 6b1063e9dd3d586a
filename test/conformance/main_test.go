// Package conformance holds the cluster against what clients of Kubernetes
// expect, with the real ones: kubectl of every version that is found, client-go,
// the Python client, curl. One cluster serves all tests; each test works in a
// namespace of its own.
package conformance

import (
	"os"
	"path/filepath"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/causeway-access/causeway/internal/cli"
	"github.com/causeway-access/causeway/internal/cluster"
	"github.com/causeway-access/causeway/test/testcluster"
)

// shared is the cluster of all tests.
var shared *testcluster.Cluster

// TestMain makes this test binary, when it is called by the name of one, the
// programs kubectl and causeway; else it runs the tests.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "kubectl", "causeway":
		os.Exit(cli.Main(os.Args, genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}))
	}
	os.Exit(testcluster.Run(m, cluster.Config{ServiceAccountTokenSecrets: true}, &shared))
}
