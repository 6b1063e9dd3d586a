package serviceaccount

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditapi "k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
)

func TestBoundTokenNamesItsAccountPodAndNode(t *testing.T) {
	w := newWorld(t)
	request := w.request()
	request.Pod, request.Node = w.pod, w.node
	token, err := w.Issue(request)
	if err != nil {
		t.Fatal(err)
	}
	response, ok, err := w.AuthenticateToken(t.Context(), token.Token)
	if err != nil || !ok {
		t.Fatalf("AuthenticateToken = %v, %v", ok, err)
	}
	want := &user.DefaultInfo{
		Name:   "system:serviceaccount:web:default",
		UID:    "uid-account",
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:web"},
		Extra: map[string][]string{
			"authentication.kubernetes.io/pod-name":      {"web-0"},
			"authentication.kubernetes.io/pod-uid":       {"uid-pod"},
			"authentication.kubernetes.io/node-name":     {"n1"},
			"authentication.kubernetes.io/node-uid":      {"uid-node"},
			"authentication.kubernetes.io/credential-id": {token.CredentialID},
		},
	}
	if diff := cmp.Diff(want, response.User); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(authenticator.Audiences{DefaultIssuer}, response.Audiences); diff != "" {
		t.Error(diff)
	}
}

func TestClaimsAreThoseOfKubernetes(t *testing.T) {
	w := newWorld(t)
	request := w.request()
	request.Pod, request.Node = w.pod, w.node
	var got map[string]any
	payload, err := jwt.NewParser().DecodeSegment(strings.Split(w.issue(t, request), ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"exp", "iat", "nbf", "jti"} {
		if got[key] == nil {
			t.Errorf("no claim %s", key)
		}
		delete(got, key)
	}
	want := map[string]any{
		"iss": DefaultIssuer,
		"sub": "system:serviceaccount:web:default",
		"aud": []any{DefaultIssuer},
		"kubernetes.io": map[string]any{
			"namespace":      "web",
			"serviceaccount": map[string]any{"name": "default", "uid": "uid-account"},
			"pod":            map[string]any{"name": "web-0", "uid": "uid-pod"},
			"node":           map[string]any{"name": "n1", "uid": "uid-node"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Everything that revokes a bound token, one by one.
func TestBoundTokenEndsWithWhatItIsBoundTo(t *testing.T) {
	toPod := func(w *world) Request { r := w.request(); r.Pod = w.pod; return r }
	toSecret := func(w *world) Request { r := w.request(); r.Secret = w.secret; return r }
	toNode := func(w *world) Request { r := w.request(); r.Node = w.node; return r }
	for _, tt := range []struct {
		name    string
		request func(*world) Request
		revoke  func(t *testing.T, w *world)
		want    string
	}{
		{"account deleted", (*world).request, func(t *testing.T, w *world) { w.drop(t, "serviceaccounts", "web", "default") }, "not found"},
		{"account made anew", (*world).request, func(t *testing.T, w *world) {
			w.put(t, "serviceaccounts", &corev1.ServiceAccount{ObjectMeta: meta("web", "default", "other")})
		}, "service account UID (uid-other) does not match claim (uid-account)"},
		{"pod deleted", toPod, func(t *testing.T, w *world) { w.drop(t, "pods", "web", "web-0") }, "not found"},
		{"pod made anew", toPod, func(t *testing.T, w *world) {
			w.put(t, "pods", &corev1.Pod{ObjectMeta: meta("web", "web-0", "other")})
		}, "pod UID (uid-other) does not match claim (uid-pod)"},
		{"secret deleted", toSecret, func(t *testing.T, w *world) { w.drop(t, "secrets", "web", "default-token") }, "not found"},
		{"node deleted", toNode, func(t *testing.T, w *world) { w.drop(t, "nodes", "", "n1") }, "not found"},
		{"account of a pod deleted", toPod, func(t *testing.T, w *world) { w.drop(t, "serviceaccounts", "web", "default") }, "not found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			token := w.issue(t, tt.request(w))
			if _, ok, err := w.AuthenticateToken(t.Context(), token); !ok || err != nil {
				t.Fatalf("before: %v, %v", ok, err)
			}
			tt.revoke(t, w)
			if _, ok, err := w.AuthenticateToken(t.Context(), token); ok || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("after: %v, %v, want an error that says %q", ok, err, tt.want)
			}
		})
	}
}

func TestPodThatIsStoppingHasAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		request := w.request()
		request.Pod = w.pod
		token := w.issue(t, request)
		w.pod.DeletionTimestamp = &metav1.Time{Time: time.Now()}
		w.put(t, "pods", w.pod)
		time.Sleep(deletionGrace)
		if _, ok, err := w.AuthenticateToken(t.Context(), token); !ok || err != nil {
			t.Errorf("within the minute: %v, %v", ok, err)
		}
		time.Sleep(2 * time.Second)
		if _, ok, err := w.AuthenticateToken(t.Context(), token); ok || err == nil || !strings.Contains(err.Error(), "pod web-0 has been deleted") {
			t.Errorf("after the minute: %v, %v", ok, err)
		}
	})
}

func TestTokenLivesAsLongAsItWasAskedTo(t *testing.T) {
	for _, tt := range []struct{ asked, want time.Duration }{
		{0, DefaultLife},
		{MinLife, MinLife},
		{10 * DefaultMaxLife, DefaultMaxLife},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			request := w.request()
			request.Life = tt.asked
			token, err := w.Issue(request)
			if err != nil {
				t.Fatal(err)
			}
			if got := time.Until(token.Expires).Round(time.Second); got != tt.want {
				t.Errorf("Expires in %s, want %s", got, tt.want)
			}
			// Not past the rotation of keys: the clock moves, the maintenance too.
			time.Sleep(min(tt.want, 48*time.Hour) - 2*time.Second)
			if _, ok, err := w.AuthenticateToken(t.Context(), token.Token); !ok || err != nil {
				t.Errorf("before its end: %v, %v", ok, err)
			}
			if tt.want > 48*time.Hour {
				return
			}
			time.Sleep(4 * time.Second)
			if _, ok, err := w.AuthenticateToken(t.Context(), token.Token); ok || err == nil || err.Error() != "service account token has expired" {
				t.Errorf("after its end: %v, %v", ok, err)
			}
		})
	}
}

func TestPodsTokenOutlivesItsHourAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		request := w.request()
		request.Pod, request.Life = w.pod, 3607*time.Second
		token, err := w.Issue(request)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Until(token.Expires).Round(time.Second); got != request.Life {
			t.Errorf("it says %s, want %s", got, request.Life)
		}
		time.Sleep(2*time.Hour + 30*time.Second)
		ctx := audit.WithAuditContext(t.Context())
		audit.AuditContextFrom(ctx).Init(audit.RequestAuditConfig{Level: auditapi.LevelMetadata}, nil)
		if _, ok, err := w.AuthenticateToken(ctx, token.Token); !ok || err != nil {
			t.Fatalf("after two hours: %v, %v", ok, err)
		}
		note := audit.AuditContextFrom(ctx).GetEventAnnotations()["authentication.k8s.io/stale-token"]
		if want := "subject: system:serviceaccount:web:default, seconds after warning threshold: 3623"; note != want {
			t.Errorf("annotation = %q, want %q", note, want)
		}
	})
}

func TestTokenForOthersIsNotExtended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		request := w.request()
		request.Pod, request.Life, request.Audiences = w.pod, 3607*time.Second, []string{"vault"}
		token := w.issue(t, request)
		time.Sleep(2*time.Hour + 30*time.Second)
		ctx := authenticator.WithAudiences(t.Context(), authenticator.Audiences{"vault"})
		if _, ok, err := w.AuthenticateToken(ctx, token); ok || err == nil {
			t.Errorf("after two hours: %v, %v", ok, err)
		}
	})
}

func TestAudiencesAreKept(t *testing.T) {
	w := newWorld(t)
	request := w.request()
	request.Audiences = []string{"vault", "ci"}
	token := w.issue(t, request)
	for _, tt := range []struct {
		name   string
		wanted authenticator.Audiences
		got    authenticator.Audiences
		want   string
	}{
		{"the one it is for", authenticator.Audiences{"vault"}, authenticator.Audiences{"vault"}, ""},
		{"one of many", authenticator.Audiences{"x", "ci"}, authenticator.Audiences{"ci"}, ""},
		{"another", authenticator.Audiences{"x"}, nil, `token audiences ["vault" "ci"] is invalid for the target audiences ["x"]`},
		{"the API server", nil, nil, "is invalid for the target audiences"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := t.Context()
			if tt.wanted != nil {
				ctx = authenticator.WithAudiences(ctx, tt.wanted)
			}
			response, ok, err := w.AuthenticateToken(ctx, token)
			if tt.want != "" {
				if ok || err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("%v, %v, want an error that says %q", ok, err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.got, response.Audiences); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnusableRequestsAreRefused(t *testing.T) {
	w := newWorld(t)
	unread := w.account.DeepCopy()
	unread.UID = ""
	for name, request := range map[string]Request{
		"no account":              {},
		"account without its UID": {Account: unread},
		"too short a life":        {Account: w.account, Life: time.Minute},
		"a negative life":         {Account: w.account, Life: -time.Hour},
	} {
		if token, err := w.Issue(request); err == nil {
			t.Errorf("%s: issued %v", name, token)
		}
	}
}

func (w *world) legacy(t *testing.T) string {
	t.Helper()
	token, err := w.IssueLegacy(w.account, w.secret)
	if err != nil {
		t.Fatal(err)
	}
	w.secret.Data = map[string][]byte{corev1.ServiceAccountTokenKey: []byte(token)}
	w.put(t, "secrets", w.secret)
	return token
}

func TestTokenOfASecretHasNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		token := w.legacy(t)
		time.Sleep(24*time.Hour + 30*time.Second)
		response, ok, err := w.AuthenticateToken(t.Context(), token)
		if !ok || err != nil {
			t.Fatalf("AuthenticateToken = %v, %v", ok, err)
		}
		if got, want := response.User.GetName(), "system:serviceaccount:web:default"; got != want {
			t.Errorf("user = %q, want %q", got, want)
		}
	})
}

func TestTokenOfASecretEndsWithIt(t *testing.T) {
	for _, tt := range []struct {
		name   string
		revoke func(t *testing.T, w *world)
		want   string
	}{
		{"secret deleted", func(t *testing.T, w *world) { w.drop(t, "secrets", "web", "default-token") }, "invalidated"},
		{"secret holds another", func(t *testing.T, w *world) {
			w.secret.Data[corev1.ServiceAccountTokenKey] = []byte("x")
			w.put(t, "secrets", w.secret)
		}, "invalidated"},
		{"secret being deleted", func(t *testing.T, w *world) {
			w.secret.DeletionTimestamp = &metav1.Time{Time: time.Now()}
			w.put(t, "secrets", w.secret)
		}, "invalidated"},
		{"account deleted", func(t *testing.T, w *world) { w.drop(t, "serviceaccounts", "web", "default") }, "not found"},
		{"account made anew", func(t *testing.T, w *world) {
			w.put(t, "serviceaccounts", &corev1.ServiceAccount{ObjectMeta: meta("web", "default", "other")})
		}, "does not match"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			token := w.legacy(t)
			tt.revoke(t, w)
			if _, ok, err := w.AuthenticateToken(t.Context(), token); ok || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, %v, want an error that says %q", ok, err, tt.want)
			}
		})
	}
}

func TestSecretOfAnotherAccountGetsNoToken(t *testing.T) {
	w := newWorld(t)
	other := w.secret.DeepCopy()
	other.Namespace = "elsewhere"
	opaque := w.secret.DeepCopy()
	opaque.Type = corev1.SecretTypeOpaque
	foreign := w.secret.DeepCopy()
	foreign.Annotations[corev1.ServiceAccountUIDKey] = "uid-other"
	for name, secret := range map[string]*corev1.Secret{"namespace": other, "type": opaque, "UID": foreign} {
		if _, err := w.IssueLegacy(w.account, secret); err == nil {
			t.Errorf("another %s: a token was issued", name)
		}
	}
}

func TestForgedTokensAreRefused(t *testing.T) {
	w := newWorld(t)
	good := w.issue(t, w.request())
	parts := strings.Split(good, ".")
	var c claims
	if _, _, err := jwt.NewParser().ParseUnverified(good, &c); err != nil {
		t.Fatal(err)
	}
	make := func(with *key, c jwt.Claims) string {
		signed, err := sign(c, with)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	ring := w.keys.ring.Load()
	stranger, err := makeKey(t.TempDir(), "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	claimsKnownID := *stranger
	claimsKnownID.id = ring.signer().id
	endless := c
	endless.ExpiresAt = nil
	none, err := jwt.NewWithClaims(jwt.SigningMethodNone, c).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	asLegacy := legacyClaims{RegisteredClaims: jwt.RegisteredClaims{Issuer: LegacyIssuer}, Namespace: "web", SecretName: "default-token", Name: "default", UID: "uid-account"}
	for name, token := range map[string]string{
		"key of a stranger":             make(stranger, c),
		"key of a stranger, known name": make(&claimsKnownID, c),
		"no signature":                  parts[0] + "." + parts[1] + ".",
		"algorithm none":                none,
		"signature of another":          parts[0] + "." + parts[1] + "." + strings.Split(w.issue(t, w.request()), ".")[2],
		"no end":                        make(ring.signer(), endless),
		"bound token with legacy key":   make(ring.legacy, c),
		"legacy token with bound key":   make(ring.signer(), asLegacy),
	} {
		if _, ok, err := w.AuthenticateToken(t.Context(), token); ok || err == nil {
			t.Errorf("%s: %v, %v, want an error", name, ok, err)
		}
	}
}

func TestTokensOfOthersAreLeftToOthers(t *testing.T) {
	w := newWorld(t)
	other, err := makeKey(t.TempDir(), "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := sign(jwt.RegisteredClaims{Issuer: "https://accounts.example.com"}, other)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"", "abc", "a.b.c", "abcdef.0123456789abcdef", foreign} {
		if _, ok, err := w.AuthenticateToken(t.Context(), token); ok || err != nil {
			t.Errorf("%q: %v, %v, want no opinion", token, ok, err)
		}
	}
}

func FuzzAuthenticateToken(f *testing.F) {
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2t1YmVybmV0ZXMuZGVmYXVsdC5zdmMifQ.")
	f.Add("eyJhbGciOiJFUzI1NiIsImtpZCI6MX0.eyJpc3MiOiJrdWJlcm5ldGVzL3NlcnZpY2VhY2NvdW50In0.AAAA")
	keys, err := OpenKeys(f.Context(), KeysConfig{Dir: f.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	tokens := New(Config{Keys: keys})
	f.Fuzz(func(t *testing.T, token string) {
		// Nobody but the holder of the key makes a token that gets as far as the
		// look-up of its account, which would panic here.
		if _, ok, _ := tokens.AuthenticateToken(t.Context(), token); ok {
			t.Errorf("%q authenticated", token)
		}
	})
}
