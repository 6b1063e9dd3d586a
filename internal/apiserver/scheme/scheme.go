// Package scheme knows the types of the API: which groups are served, how
// their objects are read and written, and which query parameters and field
// labels they take.
//
// The types are the published ones of k8s.io/api. The generic API server
// wants an internal version of each kind, so every published type is
// registered as its own internal version too, and conversion is the identity.
package scheme

import (
	"reflect"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"github.com/causeway-access/causeway/internal/apiserver/defaults"
	"github.com/causeway-access/causeway/internal/apiserver/validation"
)

// Scheme is everything that reads and writes objects of the API.
type Scheme struct {
	*runtime.Scheme
	// Codecs encode and decode bodies.
	Codecs serializer.CodecFactory
	// Parameters decode query parameters.
	Parameters runtime.ParameterCodec
	// Published knows only the published versions: OpenAPI names its
	// definitions by it, lest each list its internal twin as well.
	Published *runtime.Scheme
}

// New builds the scheme. Its own tables being at fault is a programming
// error, and panics.
func New() *Scheme {
	s := published()
	addInternalTwins(s)
	utilruntime.Must(addEventHub(s))
	utilruntime.Must(addFieldLabels(s))
	utilruntime.Must(addQueries(s))
	utilruntime.Must(defaults.AddToScheme(s))
	utilruntime.Must(validation.AddToScheme(s))
	return &Scheme{
		Scheme:     s,
		Codecs:     serializer.NewCodecFactory(s),
		Parameters: runtime.NewParameterCodec(s),
		Published:  published(),
	}
}

// groups are the served API groups, and those whose types only appear in
// subresources (autoscaling: scale; policy: eviction).
var groups = runtime.NewSchemeBuilder(
	corev1.AddToScheme,
	admissionregistrationv1.AddToScheme,
	appsv1.AddToScheme,
	authenticationv1.AddToScheme,
	authorizationv1.AddToScheme,
	autoscalingv1.AddToScheme,
	batchv1.AddToScheme,
	certificatesv1.AddToScheme,
	coordinationv1.AddToScheme,
	discoveryv1.AddToScheme,
	eventsv1.AddToScheme,
	networkingv1.AddToScheme,
	policyv1.AddToScheme,
	rbacv1.AddToScheme,
)

func published() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(groups.AddToScheme(s))
	v1 := schema.GroupVersion{Version: "v1"}
	metav1.AddToGroupVersion(s, v1)
	s.AddUnversionedTypes(v1, &metav1.Status{}, &metav1.APIVersions{}, &metav1.APIGroupList{}, &metav1.APIGroup{}, &metav1.APIResourceList{})
	return s
}

const metaPackage = "k8s.io/apimachinery/pkg/apis/meta/v1"

// addInternalTwins registers every published type as its group's internal version.
func addInternalTwins(s *runtime.Scheme) {
	for gvk, t := range s.AllKnownTypes() {
		if gvk.Version == runtime.APIVersionInternal || t.PkgPath() == metaPackage || isEvent(t) {
			continue
		}
		twin := reflect.New(t).Interface().(runtime.Object)
		s.AddKnownTypeWithName(gvk.GroupKind().WithVersion(runtime.APIVersionInternal), twin)
	}
}
