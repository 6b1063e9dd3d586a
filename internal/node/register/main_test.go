package register_test

import (
	"os"
	"testing"

	"github.com/causeway-access/causeway/internal/cluster"
	"github.com/causeway-access/causeway/test/testcluster"
)

// shared is the cluster that these tests register nodes with.
var shared *testcluster.Cluster

func TestMain(m *testing.M) { os.Exit(testcluster.Run(m, cluster.Config{}, &shared)) }
