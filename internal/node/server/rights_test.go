//go:build linux && host

package server_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/causeway-access/causeway/test/inside"
)

// TestCreateIsNeeded runs a command over WebSocket, which is asked for by GET,
// as one who may only get, and as one who may create.
func TestCreateIsNeeded(t *testing.T) {
	if !inside.Namespaces(t) {
		return
	}
	w := newWorld(t)
	w.run("web", map[string]string{"main": "echo one; sleep 1000000", "side": "true"})
	w.saysWhatIsWrong(t)
	for _, verb := range []string{"get", "create"} {
		rbac := w.Client.RbacV1()
		role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: verb}, Rules: []rbacv1.PolicyRule{
			{Verbs: []string{verb}, APIGroups: []string{""}, Resources: []string{"pods/exec"}},
		}}
		binding := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: verb}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: verb},
			Subjects: []rbacv1.Subject{{Kind: "User", APIGroup: rbacv1.GroupName, Name: verb}},
		}
		_, err := rbac.Roles("default").Create(t.Context(), role, metav1.CreateOptions{})
		if err == nil {
			_, err = rbac.RoleBindings("default").Create(t.Context(), binding, metav1.CreateOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "who may create comes in", func() bool {
		out, err := w.execAs(t.Context(), "create")
		return err == nil && out == "hello\n"
	})
	if out, err := w.execAs(t.Context(), "get"); err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("who may get: %q, %v", out, err)
	}
}

func (w *world) execAs(ctx context.Context, user string) (string, error) {
	config := rest.CopyConfig(w.REST)
	config.Impersonate.UserName = user
	url := w.Client.CoreV1().RESTClient().Post().Resource("pods").Namespace("default").Name("web").SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: "main", Stdout: true, Command: []string{"echo", "hello"}}, scheme.ParameterCodec).URL()
	executor, err := remotecommand.NewWebSocketExecutor(config, "GET", url.String())
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &out})
	return out.String(), err
}

// saysWhatIsWrong asks for logs that there are not, in ways that kubectl does
// not let pass.
func (w *world) saysWhatIsWrong(t *testing.T) {
	pods := w.Client.CoreV1().Pods("default")
	pending := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "pending"}, Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "main", Image: "host"}}, NodeSelector: map[string]string{"no": "node"},
	}}
	if _, err := pods.Create(t.Context(), pending, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		pod     string
		options corev1.PodLogOptions
		want    string
	}{
		{"web", corev1.PodLogOptions{}, "a container name must be specified for pod web, choose one of: [main side]"},
		{"web", corev1.PodLogOptions{Container: "x"}, "container x is not valid for pod web"},
		{"web", corev1.PodLogOptions{Container: "main", TailLines: new(int64(-1))}, "must be greater than or equal to 0"},
		{"web", corev1.PodLogOptions{Container: "main", Stream: new("Both")}, `Unsupported value: "Both"`},
		{"web", corev1.PodLogOptions{Container: "main", Stream: new(corev1.LogStreamStdout)}, ""},
		{"pending", corev1.PodLogOptions{}, ""},
		{"absent", corev1.PodLogOptions{}, `pods "absent" not found`},
	} {
		stream, err := pods.GetLogs(test.pod, &test.options).Stream(t.Context())
		text := []byte{}
		if err == nil {
			text, err = io.ReadAll(stream)
			stream.Close()
		}
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %+v: %q, %v; want %q", test.pod, test.options, text, err, test.want)
		}
		if err != nil && apierrors.IsInternalError(err) {
			t.Errorf("%s: %v is our fault", test.pod, err)
		}
	}
	list, err := w.Client.Discovery().ServerResourcesForGroupVersion("v1")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{}
	for _, r := range list.APIResources {
		kinds[r.Name] = r.Kind
	}
	for name, kind := range map[string]string{
		"pods/log": "Pod", "pods/exec": "PodExecOptions", "pods/attach": "PodAttachOptions",
		"pods/portforward": "PodPortForwardOptions", "pods/ephemeralcontainers": "Pod",
	} {
		if kinds[name] != kind {
			t.Errorf("%s is listed as %q", name, kinds[name])
		}
	}
}
