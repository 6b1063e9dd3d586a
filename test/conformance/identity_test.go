package conformance

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/causeway-access/causeway/test/testcluster"
)

// reviewed asks whether a token is good, and for whom.
func reviewed(t *testing.T, token string) authenticationv1.TokenReviewStatus {
	t.Helper()
	r, err := shared.Client.AuthenticationV1().TokenReviews().Create(t.Context(),
		&authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r.Status
}

func TestTokenIsRevokedWithWhatItIsBoundTo(t *testing.T) {
	ns := shared.Namespace(t)
	accounts, secrets := shared.Client.CoreV1().ServiceAccounts(ns), shared.Client.CoreV1().Secrets(ns)
	if _, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	secret, err := secrets.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "bound"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	request := func(bound *authenticationv1.BoundObjectReference) string {
		r, err := accounts.CreateToken(t.Context(), "robot", &authenticationv1.TokenRequest{
			Spec: authenticationv1.TokenRequestSpec{BoundObjectRef: bound},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return r.Status.Token
	}
	toAccount := request(nil)
	toSecret := request(&authenticationv1.BoundObjectReference{Kind: "Secret", APIVersion: "v1", Name: secret.Name, UID: secret.UID})
	for _, token := range []string{toAccount, toSecret} {
		if s := reviewed(t, token); !s.Authenticated || s.User.Username != "system:serviceaccount:"+ns+":robot" {
			t.Errorf("a fresh token: %+v", s)
		}
	}
	if err := secrets.Delete(t.Context(), "bound", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the token is gone with its secret", func() bool { return !reviewed(t, toSecret).Authenticated })
	if !reviewed(t, toAccount).Authenticated {
		t.Error("the token of the account is gone with a secret")
	}
	if err := accounts.Delete(t.Context(), "robot", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the token is gone with its account", func() bool { return !reviewed(t, toAccount).Authenticated })
	client := testcluster.NewClient(t, shared.WithToken(toAccount))
	eventually(t, "a request with it is refused", func() bool {
		_, err := client.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
		return apierrors.IsUnauthorized(err)
	})
}

func TestTokenForAnotherAudienceIsNotTaken(t *testing.T) {
	ns := shared.Namespace(t)
	accounts := shared.Client.CoreV1().ServiceAccounts(ns)
	if _, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	r, err := accounts.CreateToken(t.Context(), "robot", &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{Audiences: []string{"vault"}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = testcluster.NewClient(t, shared.WithToken(r.Status.Token)).CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsUnauthorized(err) {
		t.Errorf("the API takes a token for vault: %v", err)
	}
	review, err := shared.Client.AuthenticationV1().TokenReviews().Create(t.Context(), &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: r.Status.Token, Audiences: []string{"vault"}},
	}, metav1.CreateOptions{})
	if err != nil || !review.Status.Authenticated || len(review.Status.Audiences) != 1 || review.Status.Audiences[0] != "vault" {
		t.Errorf("a review for vault: %+v, %v", review, err)
	}
}

func TestNobodyGrantsWhatHeHasNot(t *testing.T) {
	ns := shared.Namespace(t)
	roles, bindings := shared.Client.RbacV1().Roles(ns), shared.Client.RbacV1().RoleBindings(ns)
	if _, err := roles.Create(t.Context(), &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: "granter"},
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{rbacv1.GroupName}, Resources: []string{"roles", "rolebindings"}, Verbs: []string{"create"}},
			{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get"}},
		},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := bindings.Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "granter"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "granter"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "joe"}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	joe := shared.As(t, "joe").RbacV1()
	grant := func(name, resource string) error {
		_, err := joe.Roles(ns).Create(t.Context(), &rbacv1.Role{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{resource}, Verbs: []string{"get"}}},
		}, metav1.CreateOptions{})
		return err
	}
	eventually(t, "joe may give away what he has", func() bool { return grant("mine", "pods") == nil })
	if err := grant("more", "secrets"); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "attempting to grant RBAC permissions not currently held") {
		t.Errorf("joe grants secrets: %v", err)
	}
	_, err := joe.RoleBindings(ns).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "up"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "joe"}},
	}, metav1.CreateOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("joe binds cluster-admin: %v", err)
	}
}

func TestImpersonationNeedsTheRight(t *testing.T) {
	ns := shared.Namespace(t)
	accounts := shared.Client.CoreV1().ServiceAccounts(ns)
	if _, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	r, err := accounts.CreateToken(t.Context(), "robot", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := shared.WithToken(r.Status.Token)
	cfg.Impersonate.UserName, cfg.Impersonate.Groups = "jane", []string{"system:masters"}
	_, err = testcluster.NewClient(t, cfg).CoreV1().Secrets(ns).List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "cannot impersonate") {
		t.Errorf("a robot becomes jane: %v", err)
	}
	who, err := shared.As(t, "jane", "team").AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil || who.Status.UserInfo.Username != "jane" {
		t.Errorf("the administrator as jane is %+v, %v", who, err)
	}
}

func TestAuditLogTellsWhoDidWhatAndNoSecret(t *testing.T) {
	ns := shared.Namespace(t)
	if _, err := shared.As(t, "jane", "system:masters").CoreV1().Secrets(ns).Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "hidden"}, StringData: map[string]string{"password": "correct-horse-battery"},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(shared.Info.DataDir, "audit.log")
	var found auditv1.Event
	eventually(t, "the request is in the audit log", func() bool {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"correct-horse-battery", "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5", shared.Token} {
			if strings.Contains(string(data), secret) {
				t.Fatalf("%s holds a secret", file)
			}
		}
		found = auditEvent(t, string(data), ns, "jane")
		return found.AuditID != ""
	})
	if found.Kind != "Event" || found.APIVersion != "audit.k8s.io/v1" || found.User.Username != "admin" || found.ResponseStatus.Code != 201 {
		t.Errorf("the audit log says %+v", found)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode of the audit log is %v, %v", info.Mode(), err)
	}
}

// auditEvent finds the finished request that made a secret in the name of that user.
func auditEvent(t *testing.T, log, ns, as string) auditv1.Event {
	t.Helper()
	for lines := bufio.NewScanner(strings.NewReader(log)); lines.Scan(); {
		if !strings.Contains(lines.Text(), ns) {
			continue
		}
		var e auditv1.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			continue // the last line may be half written
		}
		if e.Stage != auditv1.StageResponseComplete || e.ImpersonatedUser == nil || e.ImpersonatedUser.Username != as {
			continue // controllers make secrets here as well
		}
		if e.Verb == "create" && e.ObjectRef != nil && e.ObjectRef.Namespace == ns && e.ObjectRef.Resource == "secrets" {
			return e
		}
	}
	return auditv1.Event{}
}
