package bootstrapsigner_test

import (
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/controller/bootstrapsigner"
	"github.com/causeway-access/causeway/internal/controller/controllertest"
)

func token(id string, data map[string]string) *corev1.Secret {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "bootstrap-token-" + id},
		Type:       "bootstrap.kubernetes.io/token",
		Data:       map[string][]byte{"token-id": []byte(id), "token-secret": []byte("secret-of-" + id)},
	}
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	return secret
}

func TestClusterInfoIsSignedByTokensThatMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const content = "apiVersion: v1\nkind: Config\n"
		info := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: "kube-public", Name: "cluster-info"},
			Data:       map[string]string{"kubeconfig": content, "jws-kubeconfig-gone00": "old", "note": "by hand"},
		}
		signs := map[string]string{"usage-bootstrap-signing": "true"}
		expiring := maps.Clone(signs)
		expiring["expiration"] = time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		client := controllertest.NewClient(info, token("aaaaaa", signs), token("bbbbbb", nil), token("cccccc", expiring))
		controllertest.Run(t, client, func(ctx context.Context) {
			data := func() map[string]string {
				got, err := client.CoreV1().ConfigMaps("kube-public").Get(ctx, "cluster-info", metav1.GetOptions{})
				if err != nil {
					t.Fatal(err)
				}
				return got.Data
			}
			want := []string{"jws-kubeconfig-aaaaaa", "jws-kubeconfig-cccccc", "kubeconfig", "note"}
			if diff := cmp.Diff(want, slices.Sorted(maps.Keys(data()))); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
			verify(t, data()["jws-kubeconfig-aaaaaa"], content, "aaaaaa", "secret-of-aaaaaa")
			time.Sleep(2 * time.Hour)
			synctest.Wait()
			want = []string{"jws-kubeconfig-aaaaaa", "kubeconfig", "note"}
			if diff := cmp.Diff(want, slices.Sorted(maps.Keys(data()))); diff != "" {
				t.Errorf("keys after a token expired (-want +got):\n%s", diff)
			}
		}, bootstrapsigner.New)
	})
}

// verify puts the content back into the signature and has a library of others
// check it.
func verify(t *testing.T, signature, content, id, key string) {
	t.Helper()
	parts := strings.Split(signature, ".")
	if len(parts) != 3 || parts[1] != "" {
		t.Fatalf("signature %q is not a detached one", signature)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	signed := parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(content))
	if err := jwt.SigningMethodHS256.Verify(signed, raw, []byte(key)); err != nil {
		t.Errorf("the signature does not verify: %v", err)
	}
	header, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(header), `{"alg":"HS256","kid":"`+id+`"}`; got != want {
		t.Errorf("header is %s, want %s", got, want)
	}
}
