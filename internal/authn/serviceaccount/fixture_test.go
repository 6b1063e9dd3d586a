package serviceaccount

import (
	"log/slog"
	"testing"
	"time"

	"github.com/causeway-access/causeway/test/fakeapi"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
)

// world is a small cluster: the account web/default with a pod on a node and a
// Secret, and the tokens of it.
type world struct {
	*Tokens
	client  *fake.Clientset
	account *corev1.ServiceAccount
	pod     *corev1.Pod
	node    *corev1.Node
	secret  *corev1.Secret
}

func meta(namespace, name, uid string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID("uid-" + uid)}
}

// newWorld also starts to look at the keys every full minute: stories with a
// clock of their own end between two looks, so that the directory can be removed.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		account: &corev1.ServiceAccount{ObjectMeta: meta("web", "default", "account")},
		pod:     &corev1.Pod{ObjectMeta: meta("web", "web-0", "pod")},
		node:    &corev1.Node{ObjectMeta: meta("", "n1", "node")},
		secret: &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "default-token", UID: "uid-secret", Annotations: map[string]string{
				corev1.ServiceAccountNameKey: "default", corev1.ServiceAccountUIDKey: "uid-account",
			}},
			Type: corev1.SecretTypeServiceAccountToken,
		},
	}
	w.client = fakeapi.NewClientset(w.account, w.pod, w.node, w.secret)
	w.Tokens = New(Config{
		Keys: openKeys(t, t.TempDir()),
		// The informers are not started: every look-up goes to the client, so
		// that the stories below see their changes at once.
		Objects: FromCluster(w.client, informers.NewSharedInformerFactory(w.client, 0)),
	})
	return w
}

func openKeys(t *testing.T, dir string) *Keys {
	t.Helper()
	keys, err := OpenKeys(t.Context(), KeysConfig{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// request is for the account alone.
func (w *world) request() Request { return Request{Account: w.account, Life: time.Hour} }

func (w *world) issue(t *testing.T, request Request) string {
	t.Helper()
	token, err := w.Issue(request)
	if err != nil {
		t.Fatal(err)
	}
	return token.Token
}

// put replaces an object of the cluster.
func (w *world) put(t *testing.T, resource string, object runtime.Object) {
	t.Helper()
	gvr := corev1.SchemeGroupVersion.WithResource(resource)
	if err := w.client.Tracker().Update(gvr, object, object.(metav1.Object).GetNamespace()); err != nil {
		t.Fatal(err)
	}
}

// drop removes an object from the cluster.
func (w *world) drop(t *testing.T, resource, namespace, name string) {
	t.Helper()
	if err := w.client.Tracker().Delete(corev1.SchemeGroupVersion.WithResource(resource), namespace, name); err != nil {
		t.Fatal(err)
	}
}
