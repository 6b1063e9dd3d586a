package podspec

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// stored are the objects of a test.
type stored struct {
	maps    map[string]map[string]string
	secrets map[string]map[string]string
}

func (s stored) ConfigMap(_, name string) (*corev1.ConfigMap, error) {
	data, ok := s.maps[name]
	if !ok {
		return nil, apierrors.NewNotFound(corev1.Resource("configmaps"), name)
	}
	return &corev1.ConfigMap{Data: data}, nil
}

func (s stored) Secret(_, name string) (*corev1.Secret, error) {
	data, ok := s.secrets[name]
	if !ok {
		return nil, apierrors.NewNotFound(corev1.Resource("secrets"), name)
	}
	secret := &corev1.Secret{Data: map[string][]byte{}}
	for k, v := range data {
		secret.Data[k] = []byte(v)
	}
	return secret, nil
}

func testPod() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "web-0", UID: "u1",
			Labels: map[string]string{"app": "web"}, Annotations: map[string]string{"Note": "n"},
		},
		Spec: corev1.PodSpec{
			NodeName: "node-1", ServiceAccountName: "default", EnableServiceLinks: ptr.To(false),
			Containers: []corev1.Container{{Name: "main"}},
		},
	}
}

func field(path string) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}
}

func key(object, key string, optional bool) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: object}, Key: key, Optional: &optional,
	}}
}

func secretKey(object, key string, optional bool) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: object}, Key: key, Optional: &optional,
	}}
}

func amount(name string) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: name}}
}

var surroundings = Surroundings{
	Node: Node{
		Name: "node-1", IPs: []netip.Addr{netip.MustParseAddr("192.0.2.10")},
		Allocatable: corev1.ResourceList{"cpu": resource.MustParse("4"), "memory": resource.MustParse("8Gi")},
	},
	IPs:     []netip.Addr{netip.MustParseAddr("10.244.0.7"), netip.MustParseAddr("fd00::7")},
	Objects: stored{maps: map[string]map[string]string{"m": {"K": "v", "L": "w", "a b=": "x"}}, secrets: map[string]map[string]string{"s": {"P": "q"}}},
}

func TestEnvironment(t *testing.T) {
	for _, test := range []struct {
		name string
		from []corev1.EnvFromSource
		env  []corev1.EnvVar
		want []string
	}{
		{name: "nothing"},
		{name: "values refer to what came before", env: []corev1.EnvVar{{Name: "A", Value: "1"}, {Name: "B", Value: "$(A)$(C)$$(A)"}, {Name: "C", Value: "3"}},
			want: []string{"A=1", "B=1$(C)$(A)", "C=3"}},
		{name: "the last of a name holds", env: []corev1.EnvVar{{Name: "A", Value: "1"}, {Name: "A", Value: "$(A)2"}}, want: []string{"A=12"}},
		{name: "fields", env: []corev1.EnvVar{
			{Name: "A", ValueFrom: field("metadata.name")}, {Name: "B", ValueFrom: field("metadata.namespace")},
			{Name: "C", ValueFrom: field("metadata.uid")}, {Name: "D", ValueFrom: field("metadata.labels['app']")},
			{Name: "E", ValueFrom: field("metadata.annotations['Note']")}, {Name: "F", ValueFrom: field("spec.nodeName")},
			{Name: "G", ValueFrom: field("spec.serviceAccountName")}, {Name: "H", ValueFrom: field("status.podIP")},
			{Name: "I", ValueFrom: field("status.podIPs")}, {Name: "J", ValueFrom: field("status.hostIP")}, {Name: "K", ValueFrom: field("status.hostIPs")},
		}, want: []string{
			"A=web-0", "B=shop", "C=u1", "D=web", "E=n", "F=node-1", "G=default",
			"H=10.244.0.7", "I=10.244.0.7,fd00::7", "J=192.0.2.10", "K=192.0.2.10",
		}},
		{name: "amounts, the node's where there is no limit", env: []corev1.EnvVar{
			{Name: "A", ValueFrom: amount("limits.cpu")}, {Name: "B", ValueFrom: amount("limits.memory")}, {Name: "C", ValueFrom: amount("requests.cpu")},
		}, want: []string{"A=4", "B=67108864", "C=1"}},
		{name: "all of an object, with a prefix, without what cannot be a name",
			from: []corev1.EnvFromSource{
				{Prefix: "M_", ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "m"}}},
				{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}}},
				{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "none"}, Optional: ptr.To(true)}},
			},
			env:  []corev1.EnvVar{{Name: "P", Value: "over $(P)"}},
			want: []string{"M_K=v", "M_L=w", "P=over q"}},
		{name: "keys of objects, and those that need not be there", env: []corev1.EnvVar{
			{Name: "A", ValueFrom: key("m", "K", false)}, {Name: "B", ValueFrom: secretKey("s", "P", false)},
			{Name: "C", ValueFrom: key("m", "none", true)}, {Name: "D", ValueFrom: secretKey("none", "P", true)},
		}, want: []string{"A=v", "B=q"}},
	} {
		pod := testPod()
		c := &pod.Spec.Containers[0]
		c.EnvFrom, c.Env = test.from, test.env
		c.Resources = corev1.ResourceRequirements{
			Limits:   corev1.ResourceList{"memory": resource.MustParse("64Mi")},
			Requests: corev1.ResourceList{"cpu": resource.MustParse("100m")},
		}
		e, err := MakeEnvironment(pod, c, surroundings)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(append([]string{}, test.want...), e.List()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if test.from != nil && len(e.Skipped) != 1 {
			t.Errorf("%s: skipped %q, want one", test.name, e.Skipped)
		}
	}
}

func TestWhatIsMissingIsSaidAsUsersKnowIt(t *testing.T) {
	for _, test := range []struct {
		name string
		from []corev1.EnvFromSource
		env  *corev1.EnvVarSource
		want string
	}{
		{name: "config map", env: key("none", "K", false), want: `configmap "none" not found`},
		{name: "secret", env: secretKey("none", "K", false), want: `secret "none" not found`},
		{name: "key", env: key("m", "none", false), want: "couldn't find key none in ConfigMap shop/m"},
		{name: "secret's key", env: secretKey("s", "none", false), want: "couldn't find key none in Secret shop/s"},
		{name: "all of a config map", from: []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "none"}}}}, want: `configmap "none" not found`},
		{name: "field", env: field("spec.none"), want: "unsupported fieldPath: spec.none"},
	} {
		pod := testPod()
		c := &pod.Spec.Containers[0]
		c.EnvFrom = test.from
		if test.env != nil {
			c.Env = []corev1.EnvVar{{Name: "A", ValueFrom: test.env}}
		}
		if _, err := MakeEnvironment(pod, c, surroundings); err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
}

func service(namespace, name, ip string, ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       corev1.ServiceSpec{ClusterIP: ip, Ports: ports},
	}
}

func TestServicesAreNamedInTheEnvironment(t *testing.T) {
	with := surroundings
	with.Services = []*corev1.Service{
		service("default", "kubernetes", "10.96.0.1", corev1.ServicePort{Name: "https", Port: 443}),
		service("default", "other", "10.96.0.2", corev1.ServicePort{Port: 80}),
		service("shop", "my-db", "10.96.0.3", corev1.ServicePort{Port: 5432}, corev1.ServicePort{Name: "dns-udp", Port: 53, Protocol: "UDP"}),
		service("shop", "headless", "None", corev1.ServicePort{Port: 80}),
	}
	api := []string{
		"KUBERNETES_SERVICE_HOST=10.96.0.1", "KUBERNETES_SERVICE_PORT=443", "KUBERNETES_SERVICE_PORT_HTTPS=443",
		"KUBERNETES_PORT=tcp://10.96.0.1:443", "KUBERNETES_PORT_443_TCP=tcp://10.96.0.1:443", "KUBERNETES_PORT_443_TCP_PROTO=tcp",
		"KUBERNETES_PORT_443_TCP_PORT=443", "KUBERNETES_PORT_443_TCP_ADDR=10.96.0.1",
	}
	db := []string{
		"MY_DB_SERVICE_HOST=10.96.0.3", "MY_DB_SERVICE_PORT=5432", "MY_DB_SERVICE_PORT_DNS_UDP=53",
		"MY_DB_PORT=tcp://10.96.0.3:5432", "MY_DB_PORT_5432_TCP=tcp://10.96.0.3:5432", "MY_DB_PORT_5432_TCP_PROTO=tcp",
		"MY_DB_PORT_5432_TCP_PORT=5432", "MY_DB_PORT_5432_TCP_ADDR=10.96.0.3",
		"MY_DB_PORT_53_UDP=udp://10.96.0.3:53", "MY_DB_PORT_53_UDP_PROTO=udp", "MY_DB_PORT_53_UDP_PORT=53", "MY_DB_PORT_53_UDP_ADDR=10.96.0.3",
	}
	for _, test := range []struct {
		links bool
		want  []string
	}{{false, api}, {true, append(api, db...)}} {
		pod := testPod()
		pod.Spec.EnableServiceLinks = &test.links
		e, err := MakeEnvironment(pod, &pod.Spec.Containers[0], with)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Join(test.want, "\n"), strings.Join(e.List(), "\n")); diff != "" {
			t.Errorf("links %v (-want +got):\n%s", test.links, diff)
		}
	}
}
