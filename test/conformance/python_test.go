package conformance

import (
	"os"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// python is Debian's, which has Debian's package python3-kubernetes, whatever
// else is in PATH.
const python = "/usr/bin/python3"

func TestPythonClient(t *testing.T) {
	ns := shared.Namespace(t)
	if _, err := shared.Client.CoreV1().Pods(ns).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "web:1"}}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/client.py", ns)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+shared.Kubeconfig, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v (Debian's package python3-kubernetes is needed)\n%s", err, out)
	}
	want := "Listing pods with their IPs:\nNone\t" + ns + `	p
created c 1
patched 2
replaced 3
event ADDED 3
event DELETED 3
read 404 Not Found
refused 422
service ClusterIP True
allowed True
`
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("the script printed something else (-want +got):\n%s", diff)
	}
}
