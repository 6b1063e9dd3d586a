package validation_test

import (
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/causeway-access/causeway/internal/apiserver/scheme"
	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

// judged are the kinds of the corpus, by the resource whose rules judge them.
func judged() map[string]schema.GroupResource {
	return map[string]schema.GroupResource{
		"Namespace": core("namespaces"), "Node": core("nodes"), "Service": core("services"), "Endpoints": core("endpoints"),
		"Secret": core("secrets"), "ConfigMap": core("configmaps"), "Event": core("events"), "ResourceQuota": core("resourcequotas"),
		"LimitRange": core("limitranges"), "EndpointSlice": endpointSlices(), "RoleBinding": rbac("rolebindings"), "Role": rbac("roles"),
		"ClusterRole": rbac("clusterroles"), "Ingress": networking("ingresses"), "IngressClass": networking("ingressclasses"),
		"ControllerRevision": apps("controllerrevisions"), "DaemonSet": apps("daemonsets"), "Job": batch("jobs"),
		"CertificateSigningRequest":        requests(),
		"ValidatingWebhookConfiguration":   admission("validatingwebhookconfigurations"),
		"ValidatingAdmissionPolicy":        admission("validatingadmissionpolicies"),
		"ValidatingAdmissionPolicyBinding": admission("validatingadmissionpolicybindings"),
	}
}

// FuzzRules: whatever can be decoded can be judged, before and after
// defaulting, alone and against another object of its kind.
func FuzzRules(f *testing.F) {
	for _, manifest := range append(validManifests(),
		`{apiVersion: v1, kind: LimitRange, spec: {limits: [{type: Container, min: {cpu: 1}, maxLimitRequestRatio: {cpu: 0}}]}}`,
		`{apiVersion: v1, kind: Service, spec: {type: LoadBalancer, sessionAffinity: ClientIP, clusterIPs: [None, None]}}`,
		`{apiVersion: certificates.k8s.io/v1, kind: CertificateSigningRequest, spec: {signerName: a/b, request: YQ==}}`,
		`{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, spec: {paramRef: {}, matchResources: {}}}`,
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, aggregationRule: {clusterRoleSelectors: [{}]}}`,
	) {
		data, err := yaml.ToJSON([]byte("---\n" + manifest))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, []byte("{}"))
		f.Add(data, data)
	}
	s := scheme.New()
	resources := judged()
	f.Fuzz(func(t *testing.T, data, before []byte) {
		obj, kind, err := s.Codecs.UniversalDeserializer().Decode(data, nil, nil)
		if err != nil {
			return
		}
		resource, ok := resources[kind.Kind]
		if kind.Group == "events.k8s.io" {
			resource.Group = kind.Group // the one kind of two groups
		}
		if !ok {
			return
		}
		old, err := s.New(*kind)
		if err != nil {
			t.Fatal(err)
		}
		if stored, _, err := s.Codecs.UniversalDeserializer().Decode(before, kind, nil); err == nil && sameType(stored, old) {
			old = stored
		}
		judgeAgainst(t, validation.For(resource), obj, old)
		s.Default(obj)
		judgeAgainst(t, validation.For(resource), obj, old)
	})
}

func sameType(a, b runtime.Object) bool { return reflect.TypeOf(a) == reflect.TypeOf(b) }

// validManifests are those that the tests of single kinds begin with.
func validManifests() []string {
	return []string{
		teamNamespace, oneNode, webService, handEndpoints, plainSecret, plainConfigMap, oldEvent, timedEvent, newFormEvent, teamQuota,
		handSlice, readerBinding, webIngress, ownClass, oneWebhook, onePolicy, daemonSetManifest, revisionManifest, jobManifest,
	}
}
