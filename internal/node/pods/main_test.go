//go:build linux && host

package pods_test

import (
	"flag"
	"os"
	"testing"

	"github.com/causeway-access/causeway/internal/podrun/ns/pod"
)

func TestMain(m *testing.M) {
	pod.Main(os.Args)
	// Stories wait more than they work.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
