package validation

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func serviceAccount(a *corev1.ServiceAccount) field.ErrorList {
	return metadata(&a.ObjectMeta, namespaced, subdomainName)
}

func serviceAccountUpdate(a, old *corev1.ServiceAccount) field.ErrorList {
	return append(metadataUpdate(&a.ObjectMeta, &old.ObjectMeta), serviceAccount(a)...)
}
