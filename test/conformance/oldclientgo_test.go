package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOlderClientGo builds one program with client-go of earlier versions,
// which the Go module proxy has, and runs it: programs that were built years
// ago do what they did.
func TestOlderClientGo(t *testing.T) {
	const want = `created 1 ADDED 1
patched 2 MODIFIED 2
replaced 3 MODIFIED 3
applied 4 MODIFIED 4
listed 1 4
deleted DELETED 4
gone true
proxy to nothing true
`
	for _, version := range []string{"v0.28", "v0.33"} {
		t.Run(version, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "client")
			build := exec.CommandContext(t.Context(), "go", "build", "-modfile="+version+".mod", "-o", program, ".")
			build.Dir = filepath.Join("testdata", "client-go")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", build.Args, err, out)
			}
			for _, encoding := range []string{"application/json", "application/vnd.kubernetes.protobuf"} {
				cmd := exec.CommandContext(t.Context(), program, shared.Namespace(t), encoding)
				cmd.Env = append(os.Environ(), "KUBECONFIG="+shared.Kubeconfig)
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Errorf("in %s: %v", encoding, err)
				}
				if diff := cmp.Diff(want, string(out)); diff != "" {
					t.Errorf("in %s the program printed something else (-want +got):\n%s", encoding, diff)
				}
			}
		})
	}
}
