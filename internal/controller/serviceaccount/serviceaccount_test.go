package serviceaccount_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/causeway-access/causeway/internal/controller"
	"github.com/causeway-access/causeway/internal/controller/controllertest"
	"github.com/causeway-access/causeway/internal/controller/serviceaccount"
)

// issuer writes into a token whose it is.
type issuer struct{}

func (issuer) Issue(account *corev1.ServiceAccount, secret *corev1.Secret) (string, error) {
	return fmt.Sprintf("token of %s by %s", account.UID, secret.Name), nil
}

const ca = "-----BEGIN CERTIFICATE-----"

// play runs the controllers on a cluster with a namespace ns.
func play(t *testing.T, legacy bool, objects []*corev1.Secret, story func(ctx context.Context, client *fake.Clientset)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		client := controllertest.NewClient(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns"}})
		for _, secret := range objects {
			if _, err := client.CoreV1().Secrets(secret.Namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		controllertest.Run(t, client, func(ctx context.Context) { settle(); story(ctx, client) },
			func(config controller.Config) (controller.Controller, error) {
				return serviceaccount.New(config, serviceaccount.Config{RootCA: []byte(ca), Tokens: issuer{}, LegacyTokenSecrets: legacy})
			})
	})
}

func settle() {
	time.Sleep(5 * time.Second)
	synctest.Wait()
}

func tokenSecret(name, account string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ns", Name: name, Annotations: map[string]string{corev1.ServiceAccountNameKey: account},
		},
		Type: corev1.SecretTypeServiceAccountToken,
	}
}

func TestNamespaceHasItsAccountAndRootCA(t *testing.T) {
	play(t, false, nil, func(ctx context.Context, client *fake.Clientset) {
		core := client.CoreV1()
		if _, err := core.ServiceAccounts("ns").Get(ctx, "default", metav1.GetOptions{}); err != nil {
			t.Errorf("reading the default account: %v", err)
		}
		if err := core.ServiceAccounts("ns").Delete(ctx, "default", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		changed, err := core.ConfigMaps("ns").Get(ctx, serviceaccount.RootCAConfigMap, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		changed.Data = map[string]string{"ca.crt": "another"}
		if _, err := core.ConfigMaps("ns").Update(ctx, changed, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		settle()
		if _, err := core.ServiceAccounts("ns").Get(ctx, "default", metav1.GetOptions{}); err != nil {
			t.Errorf("reading the default account after its deletion: %v", err)
		}
		restored, err := core.ConfigMaps("ns").Get(ctx, serviceaccount.RootCAConfigMap, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"ca.crt": ca}, restored.Data); diff != "" {
			t.Errorf("root CA after a change (-want +got):\n%s", diff)
		}
	})
}

func TestNamespaceBeingDeletedGetsNothing(t *testing.T) {
	play(t, false, nil, func(ctx context.Context, client *fake.Clientset) {
		now := metav1.Now()
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "going", DeletionTimestamp: &now, Finalizers: []string{"x/y"}}}
		if _, err := client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		settle()
		accounts, err := client.CoreV1().ServiceAccounts("going").List(ctx, metav1.ListOptions{})
		if err != nil || len(accounts.Items) != 0 {
			t.Errorf("%d accounts, error %v, want none", len(accounts.Items), err)
		}
	})
}

func TestTokenSecretIsFilledAndGoesWithItsAccount(t *testing.T) {
	play(t, false, []*corev1.Secret{tokenSecret("mine", "default")}, func(ctx context.Context, client *fake.Clientset) {
		core := client.CoreV1()
		account, err := core.ServiceAccounts("ns").Get(ctx, "default", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		// Its account came after it, so the first look deleted it; a person makes it again.
		if _, err := core.Secrets("ns").Create(ctx, tokenSecret("again", "default"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		settle()
		secret, err := core.Secrets("ns").Get(ctx, "again", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string][]byte{
			"token":     []byte(fmt.Sprintf("token of %s by again", account.UID)),
			"ca.crt":    []byte(ca),
			"namespace": []byte("ns"),
		}
		if diff := cmp.Diff(want, secret.Data); diff != "" {
			t.Errorf("data (-want +got):\n%s", diff)
		}
		if got := secret.Annotations[corev1.ServiceAccountUIDKey]; got != string(account.UID) {
			t.Errorf("the secret is bound to account %q, want %q", got, account.UID)
		}
		if err := core.ServiceAccounts("ns").Delete(ctx, "default", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		settle()
		if _, err := core.Secrets("ns").Get(ctx, "again", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("reading the secret of a deleted account: error %v, want not found", err)
		}
	})
}

func TestSecretsOfOtherTypesAreLeftAlone(t *testing.T) {
	opaque := tokenSecret("opaque", "nobody")
	opaque.Type = corev1.SecretTypeOpaque
	play(t, true, []*corev1.Secret{opaque}, func(ctx context.Context, client *fake.Clientset) {
		got, err := client.CoreV1().Secrets("ns").Get(ctx, "opaque", metav1.GetOptions{})
		if err != nil || len(got.Data) != 0 {
			t.Errorf("secret has %d keys, error %v, want it as it was", len(got.Data), err)
		}
	})
}

func TestLegacyTokenSecretOfEveryAccount(t *testing.T) {
	play(t, true, nil, func(ctx context.Context, client *fake.Clientset) {
		first := listed(ctx, t, client, "default")
		if !strings.HasPrefix(first, "default-token-") || len(first) != len("default-token-xxxxx") {
			t.Fatalf("the account lists secret %q, want default-token-xxxxx", first)
		}
		secret, err := client.CoreV1().Secrets("ns").Get(ctx, first, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(secret.Data[corev1.ServiceAccountTokenKey]) == 0 {
			t.Error("the listed secret has no token")
		}
		if err := client.CoreV1().Secrets("ns").Delete(ctx, first, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		settle()
		second := listed(ctx, t, client, "default")
		if _, err := client.CoreV1().Secrets("ns").Get(ctx, second, metav1.GetOptions{}); err != nil {
			t.Errorf("reading the secret that the account lists after the first was deleted: %v", err)
		}
		all, err := client.CoreV1().Secrets("ns").List(ctx, metav1.ListOptions{})
		if err != nil || len(all.Items) != 1 {
			t.Errorf("%d secrets, error %v, want one", len(all.Items), err)
		}
	})
}

// listed is the one secret in the account's list.
func listed(ctx context.Context, t *testing.T, client *fake.Clientset, name string) string {
	t.Helper()
	account, err := client.CoreV1().ServiceAccounts("ns").Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(account.Secrets) != 1 {
		t.Fatalf("the account lists %d secrets, want one", len(account.Secrets))
	}
	return account.Secrets[0].Name
}
