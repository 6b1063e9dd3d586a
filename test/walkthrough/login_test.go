package walkthrough

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-access/causeway/internal/kubeconfig"
)

// A story: somebody logs in, in each way there is, and every kubectl that he
// may have works with what login wrote.
func TestEveryKubectlWorksAfterLogin(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	up := start(t, h.up("--kubeconfig", h.path("operator.config")))
	auth, err := kubeconfig.ReadAuth(up.KubernetesAuth)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.path("password"), []byte(auth.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ways := map[string][]string{
		"password":           {"--username", auth.User, "--password-file", h.path("password")},
		"token":              {"--token-file", up.TokenFile},
		"certificate":        {"--client-certificate", auth.CertFile, "--client-key", auth.KeyFile},
		"copied-certificate": {"--client-certificate", auth.CertFile, "--client-key", auth.KeyFile, "--embed-certs"},
	}
	for name, flags := range ways {
		args := append([]string{"login", up.URL, "--context", name, "--fingerprint", up.Fingerprint}, flags...)
		if status, _, stderr := finish(t, h.command("causeway", args...)); status != 0 {
			t.Fatalf("login by %s: %s", name, stderr)
		}
	}
	for version, dir := range kubectls(t) {
		for name := range ways {
			cmd := h.command(filepath.Join(dir, "kubectl"), "--context", name, "auth", "whoami", "-o", "json")
			if strings.HasPrefix(version, "v1.27.") { // whoami was an experiment then
				cmd = h.command(filepath.Join(dir, "kubectl"), "--context", name, "get", "--raw", "/api/v1/namespaces/default")
			}
			checkAnswers(t, version+" by "+name, cmd)
		}
	}
}

// checkAnswers wants JSON from a command, and no word about safety.
func checkAnswers(t *testing.T, what string, cmd *exec.Cmd) {
	t.Helper()
	status, stdout, stderr := finish(t, cmd)
	if status != 0 || !json.Valid([]byte(stdout)) || strings.Contains(stderr, "insecure") {
		t.Errorf("%s: status %d\n%s%s", what, status, stdout, stderr)
	}
}

func TestAKubeconfigThatIsNotOursIsNamed(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	ordinary := ordinaryUser(t, h)
	closed := h.path("closed")
	if err := os.WriteFile(closed, []byte("apiVersion: v1\nkind: Config\n"), 0o000); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"cluster-info"},
		{"proxy", "--port=0"},
		{"login", "https://127.0.0.1", "--token-file", "token"},
		{"logout"},
	} {
		refuses(t, ordinary(h.command("causeway", append(args, "--kubeconfig", closed)...)), 1, closed, "permission denied", "--kubeconfig")
	}
}
