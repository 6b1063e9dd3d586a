package tokencleaner_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/controller/controllertest"
	"github.com/causeway-access/causeway/internal/controller/tokencleaner"
)

func token(name, expiration string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: name},
		Type:       "bootstrap.kubernetes.io/token",
		Data:       map[string][]byte{"expiration": []byte(expiration)},
	}
}

func TestTokensGoWhenTheyExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
		otherType := token("not-a-token", in(-time.Hour))
		otherType.Type = corev1.SecretTypeOpaque
		elsewhere := token("elsewhere", in(-time.Hour))
		elsewhere.Namespace = "default"
		client := controllertest.NewClient(token("expired", in(-time.Hour)), token("soon", in(time.Hour)),
			token("later", in(48*time.Hour)), token("never", ""), token("unreadable", "tomorrow"), otherType, elsewhere)
		controllertest.Run(t, client, func(ctx context.Context) {
			expect := func(want ...string) {
				t.Helper()
				synctest.Wait()
				list, err := client.CoreV1().Secrets(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, secret := range list.Items {
					got = append(got, secret.Name)
				}
				slices.Sort(got)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("secrets (-want +got):\n%s", diff)
				}
			}
			expect("elsewhere", "later", "never", "not-a-token", "soon")
			time.Sleep(2 * time.Hour)
			expect("elsewhere", "later", "never", "not-a-token")
			time.Sleep(48 * time.Hour)
			expect("elsewhere", "never", "not-a-token")
		}, tokencleaner.New)
	})
}
