//go:build linux && host

package pods_test

import (
	"os"
	"testing"

	"github.com/causeway-access/causeway/internal/podrun/ns/pod"
)

func TestMain(m *testing.M) {
	pod.Main(os.Args)
	os.Exit(m.Run())
}
