//go:build linux && host

package ns

import (
	"context"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/test/inside"
)

func TestACommandEndsThoughItLeavesItsOutputToAnother(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	r := open(t, testConfig(t))
	sandbox, container, err := run(t.Context(), r, "web")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.RemoveSandbox(context.Background(), sandbox); err != nil {
			t.Error(err)
		}
	})
	var out strings.Builder
	command := podrun.Command{Args: []string{"sh", "-c", "sleep 1000 & echo started"}}
	code, err := r.Exec(t.Context(), container, command, podrun.Stdio{Stdout: &out})
	if err != nil || code != 0 || out.String() != "started\n" {
		t.Errorf("%q, %d, %v", &out, code, err)
	}
}
