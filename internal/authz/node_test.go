package authz_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/causeway-access/causeway/internal/authz"
)

// spec refers to a secret and a config map in every way there is: secret-env,
// configmap-volume and so on.
func spec() corev1.PodSpec {
	local := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	container := corev1.Container{
		Env: []corev1.EnvVar{
			{Name: "PLAIN", Value: "secret-plain"},
			{Name: "FIELD", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}},
			{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: local("secret-env")}}},
			{Name: "B", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: local("configmap-env")}}},
		},
		EnvFrom: []corev1.EnvFromSource{
			{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: local("secret-from")}},
			{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: local("configmap-from")}},
		},
	}
	from := func(secret string) []corev1.EnvFromSource {
		return []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: local(secret)}}}
	}
	volume := func(name string, source corev1.VolumeSource) corev1.Volume {
		return corev1.Volume{Name: name, VolumeSource: source}
	}
	csiSecret := local("secret-csi")
	return corev1.PodSpec{
		ServiceAccountName: "account",
		ImagePullSecrets:   []corev1.LocalObjectReference{local("secret-pull")},
		Containers:         []corev1.Container{container},
		InitContainers:     []corev1.Container{{EnvFrom: from("secret-init")}},
		EphemeralContainers: []corev1.EphemeralContainer{
			{EphemeralContainerCommon: corev1.EphemeralContainerCommon{EnvFrom: from("secret-ephemeral")}},
		},
		Volumes: []corev1.Volume{
			volume("s", corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "secret-volume"}}),
			volume("c", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: local("configmap-volume")}}),
			volume("p", corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
				{Secret: &corev1.SecretProjection{LocalObjectReference: local("secret-projected")}},
				{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: local("configmap-projected")}},
			}}}),
			volume("d", corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{NodePublishSecretRef: &csiSecret}}),
			volume("v", corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "claim"}}),
			volume("e", corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}),
			volume("h", corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}),
		},
	}
}

var (
	n1 = who("system:node:n1", "system:nodes", "system:authenticated")
	n2 = who("system:node:n2", "system:nodes", "system:authenticated")
)

func TestNodeReadsWhatItsPodsNeed(t *testing.T) {
	_, node, _ := start(t, pod("web", "a", "n1", spec()), pod("web", "b", "", corev1.PodSpec{ServiceAccountName: "unbound"}))
	for resource, names := range map[string][]string{
		"secrets":                {"secret-env", "secret-from", "secret-init", "secret-ephemeral", "secret-volume", "secret-projected", "secret-csi", "secret-pull"},
		"configmaps":             {"configmap-env", "configmap-from", "configmap-volume", "configmap-projected"},
		"persistentvolumeclaims": {"claim", "a-e"},
		"serviceaccounts":        {"account"},
	} {
		for _, name := range names {
			request := func(u user.Info, namespace string) authorizer.AttributesRecord {
				return ask(u, "get", namespace, resource, name)
			}
			if !allowed(t, node, request(n1, "web")) {
				t.Errorf("n1 may not get %s %s", resource, name)
			}
			if allowed(t, node, request(n2, "web")) {
				t.Errorf("n2, which has no pods, may get %s %s", resource, name)
			}
			if allowed(t, node, request(n1, "other")) {
				t.Errorf("n1 may get %s %s of another namespace", resource, name)
			}
			update := request(n1, "web")
			update.Verb = "update"
			if allowed(t, node, update) {
				t.Errorf("n1 may update %s %s", resource, name)
			}
		}
	}
	for _, request := range []authorizer.AttributesRecord{
		ask(n1, "get", "web", "secrets", "secret-plain"),
		ask(n1, "list", "web", "secrets", ""),
		ask(n1, "watch", "", "secrets", ""),
		ask(n1, "get", "web", "serviceaccounts", "unbound"),
		ask(n1, "get", "web", "secrets", ""),
	} {
		if allowed(t, node, request) {
			t.Errorf("n1 may %s %s %q", request.Verb, request.Resource, request.Name)
		}
	}
}

func TestNodeAndItsOwn(t *testing.T) {
	_, node, _ := start(t, pod("web", "a", "n1", spec()), pod("web", "b", "n2", corev1.PodSpec{}))
	token := func(u user.Info, account string) authorizer.AttributesRecord {
		return sub(ask(u, "create", "web", "serviceaccounts", account), "token")
	}
	lease := func(verb, namespace, name string) authorizer.AttributesRecord {
		return in(ask(n1, verb, namespace, "leases", name), "coordination.k8s.io")
	}
	for _, tt := range []struct {
		request authorizer.AttributesRecord
		want    bool
		reason  string
	}{
		{ask(n1, "get", "", "nodes", "n1"), true, ""},
		{ask(n1, "create", "", "nodes", ""), true, ""},
		{ask(n1, "patch", "", "nodes", "n1"), true, ""},
		{sub(ask(n1, "update", "", "nodes", "n1"), "status"), true, ""},
		{ask(n1, "get", "", "nodes", "n2"), false, "node 'n1' cannot read 'n2', only its own Node object"},
		{sub(ask(n1, "patch", "", "nodes", "n2"), "status"), false, "only its own Node object"},
		{ask(n1, "list", "", "nodes", ""), false, "only its own Node object"},
		{ask(n1, "delete", "", "nodes", "n1"), false, ""},
		{sub(ask(n1, "get", "", "nodes", "n1"), "proxy"), false, ""},

		{ask(n1, "get", "web", "pods", "a"), true, ""},
		{ask(n1, "delete", "web", "pods", "a"), true, ""},
		{sub(ask(n1, "patch", "web", "pods", "a"), "status"), true, ""},
		{sub(ask(n1, "create", "web", "pods", "a"), "eviction"), true, ""},
		{ask(n1, "get", "web", "pods", "b"), false, "no relationship found between node 'n1' and this object"},
		{sub(ask(n1, "update", "web", "pods", "b"), "status"), false, "no relationship found"},
		{ask(n1, "delete", "other", "pods", "a"), false, "no relationship found"},
		{selecting(ask(n1, "watch", "", "pods", ""), "spec.nodeName", "n1"), true, ""},
		{selecting(ask(n1, "list", "", "pods", ""), "spec.nodeName", "n2"), false, "spec.nodeName field selector"},
		{ask(n1, "list", "", "pods", ""), false, "spec.nodeName field selector"},
		{ask(n1, "create", "web", "pods", ""), false, ""},
		{sub(ask(n1, "create", "web", "pods", "a"), "exec"), false, ""},

		{token(n1, "account"), true, ""},
		{token(n2, "account"), false, "no relationship found between node 'n2' and this object"},
		{token(n1, "default"), false, "no relationship found"},

		{lease("create", "kube-node-lease", ""), true, ""},
		{lease("update", "kube-node-lease", "n1"), true, ""},
		{lease("update", "kube-node-lease", "n2"), false, "same name as the requesting node"},
		{lease("update", "kube-system", "n1"), false, "kube-node-lease"},

		{ask(n1, "list", "", "services", ""), true, ""},
		{in(ask(n1, "watch", "", "endpointslices", ""), "discovery.k8s.io"), true, ""},
		{in(ask(n1, "create", "", "certificatesigningrequests", ""), "certificates.k8s.io"), true, ""},
		{in(sub(ask(n1, "update", "", "certificatesigningrequests", "x"), "approval"), "certificates.k8s.io"), false, ""},
		{ask(n1, "create", "web", "events", ""), true, ""},
		{in(ask(n1, "create", "", "tokenreviews", ""), "authentication.k8s.io"), true, ""},
		{in(ask(n1, "create", "", "clusterrolebindings", ""), "rbac.authorization.k8s.io"), false, ""},
		{path(n1, "get", "/metrics"), false, ""},
	} {
		decision, reason, err := node.Authorize(t.Context(), tt.request)
		if err != nil || (decision == authorizer.DecisionAllow) != tt.want || !strings.Contains(reason, tt.reason) {
			t.Errorf("%s %s %s/%s %s: %v, %q, %v\nwant %v, %q", tt.request.User.GetName(), tt.request.Verb,
				tt.request.Resource, tt.request.Subresource, tt.request.Name, decision, reason, err, tt.want, tt.reason)
		}
	}
}

func TestOthersAreNoNodes(t *testing.T) {
	_, node, _ := start(t, pod("web", "a", "n1", spec()))
	for _, u := range []user.Info{
		nil,
		who("system:node:n1"), // the name without the group
		who("alice", "system:nodes"),
		who("system:node:", "system:nodes"),
	} {
		if allowed(t, node, ask(u, "list", "", "services", "")) {
			t.Errorf("%v is taken for a node", u)
		}
		if name, ok := authz.NodeName(u); ok {
			t.Errorf("NodeName(%v) = %q", u, name)
		}
	}
}

func TestNodeLosesWhatItsPodNeededWithThePod(t *testing.T) {
	_, node, client := start(t, pod("web", "a", "n1", spec()))
	request := ask(n1, "get", "web", "secrets", "secret-env")
	if !allowed(t, node, request) {
		t.Fatal("n1 may not get the secret of its pod")
	}
	if err := client.CoreV1().Pods("web").Delete(t.Context(), "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "n1 loses the secret", func() bool { return !allowed(t, node, request) })
}

// A node that has heard of its pod before the cache has is not refused for it.
func TestNodeMayBeAheadOfTheCache(t *testing.T) {
	_, node, client := startBehind(t, time.Minute)
	may := make(chan bool)
	asking := ask(n1, "get", "web", "secrets", "secret-env")
	go func() {
		decision, _, err := node.Authorize(t.Context(), asking)
		may <- err == nil && decision == authorizer.DecisionAllow
	}()
	if _, err := client.CoreV1().Pods("web").Create(t.Context(), pod("web", "a", "n1", spec()), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if !<-may {
		t.Error("n1 may not get the secret of its pod")
	}
}
