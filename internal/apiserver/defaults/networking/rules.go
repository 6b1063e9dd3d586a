package networking

import (
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/utils/ptr"
)

// SetDefaults_IngressClassParametersReference makes parameters those of the
// whole cluster unless a namespace is meant.
func SetDefaults_IngressClassParametersReference(obj *networkingv1.IngressClassParametersReference) {
	if obj.Scope == nil {
		obj.Scope = ptr.To(networkingv1.IngressClassParametersReferenceScopeCluster)
	}
}
