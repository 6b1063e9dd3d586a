package volume_test

import (
	"os"
	"testing"

	"github.com/causeway-access/causeway/internal/cluster"
	"github.com/causeway-access/causeway/test/testcluster"
)

// shared is the cluster whose objects these tests mount.
var shared *testcluster.Cluster

func TestMain(m *testing.M) {
	if os.Getenv("CAUSEWAY_TEST_INSIDE") != "" { // in namespaces, where no test needs it
		os.Exit(m.Run())
	}
	os.Exit(testcluster.Run(m, cluster.Config{}, &shared))
}
