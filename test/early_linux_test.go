package test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/podrun/ns/pod"
)

// A pod's init process is this program started again. It must not prepare the
// libraries that it does not use: there is one for each pod.
func TestPodsStartBeforeTheLibrariesArePrepared(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args[0] = pod.Name
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	// It ends at once, as there is no agent that says what to do.
	said, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("an init process without an agent did not fail")
	}
	prepared := preparedPackages(string(said))
	if !slices.Contains(prepared, "net") {
		t.Fatalf("the packages that the init process uses are not told of: %s", said)
	}
	for _, name := range []string{
		// All that speaks HTTP imports the first: apiserver, client-go, etcd.
		"net/http", "crypto/tls", "google.golang.org/grpc",
		"k8s.io/apimachinery/pkg/runtime", "k8s.io/api/core/v1", "k8s.io/client-go/kubernetes/scheme",
	} {
		if slices.Contains(prepared, name) {
			t.Errorf("a pod's init process has prepared %s, which it does not use", name)
		}
	}
}

// preparedPackages are those of which Go says that it has initialised them.
func preparedPackages(trace string) []string {
	var names []string
	for line := range strings.Lines(trace) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "init" {
			names = append(names, fields[1])
		}
	}
	return names
}

// What comes before a pod's init process is what it imports, and little else.
func TestPodsImportLittle(t *testing.T) {
	const module = "github.com/causeway-access/causeway/"
	allowed := []string{
		"golang.org/x/sys/unix",
		"github.com/vishvananda/netlink", "github.com/vishvananda/netlink/nl", "github.com/vishvananda/netns",
		module + "internal/podrun", module + "internal/podrun/crilog",
		module + "internal/podrun/disk", // for a type of podrun alone; it initialises an error
	}
	cmd := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./internal/podrun/ns/early")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(out)) {
		if !slices.Contains(allowed, name) && !strings.HasPrefix(name, module+"internal/podrun/ns/") {
			t.Errorf("a pod's init process imports %s: import less, or see what it costs each pod and allow it here", name)
		}
	}
	cmd = exec.Command("go", "list", "-deps", "./internal/podrun/ns/early")
	cmd.Dir = root(t)
	if out, err = cmd.Output(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"net/http", "crypto/tls", "log/slog"} {
		if slices.Contains(strings.Fields(string(out)), name) {
			t.Errorf("a pod's init process imports %s", name)
		}
	}
}
