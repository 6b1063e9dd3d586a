package pods

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"

	"github.com/causeway-access/causeway/internal/catalog/apiservers"
	"github.com/causeway-access/causeway/internal/node/podspec"
)

// objects asks the API for what environments refer to.
type objects struct {
	ctx    context.Context
	client kubernetes.Interface
}

var _ podspec.Objects = objects{}

func (o objects) ConfigMap(namespace, name string) (*corev1.ConfigMap, error) {
	return o.client.CoreV1().ConfigMaps(namespace).Get(o.ctx, name, metav1.GetOptions{})
}

func (o objects) Secret(namespace, name string) (*corev1.Secret, error) {
	return o.client.CoreV1().Secrets(namespace).Get(o.ctx, name, metav1.GetOptions{})
}

// servicesFor are those of a namespace, and that of the API.
func servicesFor(lister corelisters.ServiceLister, namespace string) ([]*corev1.Service, error) {
	services, err := lister.Services(namespace).List(labels.Everything())
	if err != nil || namespace == apiservers.Namespace {
		return services, err
	}
	api, err := lister.Services(apiservers.Namespace).Get(apiservers.Service)
	if apierrors.IsNotFound(err) {
		return services, nil
	}
	return append(services, api), err
}
