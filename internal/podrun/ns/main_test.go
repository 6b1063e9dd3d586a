//go:build linux && host

package ns

import (
	"os"
	"testing"

	"github.com/causeway-access/causeway/internal/podrun/ns/pod"
)

func TestMain(m *testing.M) {
	pod.Main(os.Args)
	if text := os.Getenv(agentVariable); text != "" {
		os.Exit(agent(text))
	}
	os.Exit(m.Run())
}
