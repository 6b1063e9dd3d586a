package walkthrough

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestUpEndsCleanlyWhileSomebodyWatches(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	up := start(t, h.up())
	// A watch is a request that never ends by itself.
	watch, err := up.client.CoreV1().ConfigMaps("").Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	before := len(up.output.String())
	// A watch that is not told to end has the server wait for as long as
	// requests are given, and then end with an error.
	if err := up.stop(); err != nil {
		t.Fatal(err)
	}
	if last := up.output.String()[before:]; strings.HasPrefix(last, "E") || strings.Contains(last, "\nE") {
		t.Errorf("errors at the end of a cluster that was told to end:\n%s", last)
	}
}

func TestUpEndsCleanlyWhenItIsToldWhileItStarts(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	// This line is written when the store is open and the API is being built.
	s, _, err := startServer(h.up("-v", "2"), regexp.MustCompile(`(?m)^.*Registered admission plugin.*$`))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

func TestTwoClustersRunSideBySide(t *testing.T) {
	t.Parallel()
	one, other := newHome(t), newHome(t)
	first, second := start(t, one.up()), start(t, other.up())
	if first.URL == second.URL || first.Fingerprint == second.Fingerprint {
		t.Errorf("both are at %s and %s with authorities %s and %s, want them to differ", first.URL, second.URL, first.Fingerprint, second.Fingerprint)
	}
	createConfigMap(t, first, "only-here")
	if _, err := second.client.CoreV1().ConfigMaps("default").Get(t.Context(), "only-here", metav1.GetOptions{}); err == nil {
		t.Error("an object of one cluster is in the other")
	}
}

func TestUpRefusesADirectoryThatAnotherUpHolds(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	up := start(t, h.up())
	createConfigMap(t, up, "before")
	refuses(t, h.up(), 1, h.data(), fmt.Sprintf("process %d", up.cmd.Process.Pid), "stop it, or choose another")
	hasConfigMaps(t, up, "before")
}

func TestUpRefusesAPortThatIsTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h := newHome(t)
	refuses(t, h.up("--listen", l.Addr().String()), 1, l.Addr().String(), "address already in use", "choose another with --listen")
}

func TestUpRefusesADirectoryThatItCannotWrite(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	ordinary := ordinaryUser(t, h)
	for name, mode := range map[string]os.FileMode{"read-only": 0o555, "closed": 0o000} {
		t.Run(name, func(t *testing.T) {
			dir := h.path(name)
			if err := os.Mkdir(dir, mode); err != nil {
				t.Fatal(err)
			}
			for _, data := range []string{dir, filepath.Join(dir, "below")} {
				refuses(t, ordinary(h.up("--data-dir", data)), 1, dir, "permission denied", "--data-dir")
			}
		})
	}
}

func TestUpServesAnOrdinaryUserFromAnEmptyHome(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	ordinary := ordinaryUser(t, h)
	cmd := ordinary(h.command("causeway", "up", "--node=false", "--listen", "127.0.0.1:0", "-o", "json"))
	up := start(t, cmd)
	if want := h.path(".local", "share", "causeway"); up.DataDir != want {
		t.Errorf("the data is in %s, want %s", up.DataDir, want)
	}
	if want := h.path(".kube", "config"); up.Kubeconfig != want {
		t.Errorf("the kubeconfig is %s, want %s", up.Kubeconfig, want)
	}
	status, stdout, stderr := finish(t, ordinary(h.command("kubectl", "get", "namespace", "default", "-o", "name")))
	if status != 0 || stdout != "namespace/default\n" {
		t.Errorf("kubectl with the user's own kubeconfig: status %d, %q, %s", status, stdout, stderr)
	}
	onlyTheOwnerReads(t, up.DataDir)
}

// onlyTheOwnerReads looks at every file below dir. Certificates are public,
// but whoever may not enter the directory does not see them either.
func onlyTheOwnerReads(t *testing.T, dir string) {
	t.Helper()
	count := 0
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		count++
		public := filepath.Ext(path) == ".crt" || info.Mode().Type() == os.ModeSocket
		if info.Mode().Perm()&0o077 != 0 && !public {
			t.Errorf("%s has mode %v, want it closed to others", path, info.Mode())
		}
		return nil
	})
	if err != nil || count < 10 {
		t.Errorf("looked at %d files: %v", count, err)
	}
}

// ordinaryUser returns what makes a command run by somebody who is not root,
// with h for a home. Tests run as an ordinary user stay who they are, and those
// who are root in namespaces alone, where nobody else is, are called otherwise.
func ordinaryUser(t *testing.T, h home) func(*exec.Cmd) *exec.Cmd {
	t.Helper()
	if os.Geteuid() != 0 {
		return func(cmd *exec.Cmd) *exec.Cmd { return cmd }
	}
	const nobody = 65534
	users, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		t.Fatal(err)
	}
	if first := strings.Fields(string(users)); len(first) == 3 && first[2] == "1" {
		as := []syscall.SysProcIDMap{{ContainerID: nobody, HostID: 0, Size: 1}}
		return func(cmd *exec.Cmd) *exec.Cmd {
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: as, GidMappings: as}
			return cmd
		}
	}
	if err := os.Chown(h.dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	return func(cmd *exec.Cmd) *exec.Cmd {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		return cmd
	}
}

// createConfigMap leaves something behind to be found again.
func createConfigMap(t *testing.T, r *running, name string) {
	t.Helper()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"kept": name}}
	if _, err := r.client.CoreV1().ConfigMaps("default").Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// hasConfigMaps finds again what createConfigMap left.
func hasConfigMaps(t *testing.T, r *running, names ...string) {
	t.Helper()
	for _, name := range names {
		object, err := r.client.CoreV1().ConfigMaps("default").Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Errorf("looking for what was there before: %v", err)
		} else if object.Data["kept"] != name {
			t.Errorf("config map %s holds %v", name, object.Data)
		}
	}
}
