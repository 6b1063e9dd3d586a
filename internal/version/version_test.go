package version

import (
	"os/exec"
	"strings"
	"testing"

	utilversion "k8s.io/apimachinery/pkg/util/version"
)

func TestKubernetesVersionFollowsGoMod(t *testing.T) {
	const library = "k8s.io/apiserver"
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", library).Output()
	if err != nil {
		t.Fatalf("go list -m %s: %v", library, err)
	}
	want := strings.Replace(strings.TrimSpace(string(out)), "v0.", "v1.", 1)

	got := Kubernetes()
	if got.GitVersion != want {
		t.Errorf("GitVersion = %q, want %q", got.GitVersion, want)
	}
	if _, err := utilversion.ParseSemantic(got.GitVersion); err != nil {
		t.Errorf("clients cannot parse GitVersion %q: %v", got.GitVersion, err)
	}
	if parts := strings.Split(want, "."); got.Major != "1" || got.Minor != parts[1] {
		t.Errorf("Major, Minor = %q, %q, want 1, %s", got.Major, got.Minor, parts[1])
	}
}

func TestCausewayVersionIsNeverEmpty(t *testing.T) {
	got := Causeway()
	if got.Version == "" || got.Go == "" || !strings.Contains(got.Platform, "/") {
		t.Errorf("Causeway() = %+v, want version, toolchain and platform", got)
	}
}
