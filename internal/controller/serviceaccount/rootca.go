package serviceaccount

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"

	"github.com/causeway-access/causeway/internal/controller"
)

// descriptionAnnotation says in the config map itself what it is good for, in
// Kubernetes' words.
const (
	descriptionAnnotation = "kubernetes.io/description"
	description           = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. " +
		"No other usage is guaranteed across distributions of Kubernetes clusters."
)

// rootCAs keeps kube-root-ca.crt in each namespace. Its key is the namespace's
// name.
type rootCAs struct {
	client     kubernetes.Interface
	namespaces corelisters.NamespaceLister
	configMaps corelisters.ConfigMapLister
	data       map[string]string
}

func newRootCAs(config controller.Config, ca []byte) (controller.Controller, error) {
	core := config.Informers.Core().V1()
	r := &rootCAs{
		client:     config.Client,
		namespaces: core.Namespaces().Lister(),
		configMaps: core.ConfigMaps().Lister(),
		data:       map[string]string{"ca.crt": string(ca)},
	}
	loop := controller.NewLoop("root-ca", 2, config.For("root-ca"), r.reconcile)
	if err := controller.Watch(loop, core.Namespaces().Informer(), activeNamespace); err != nil {
		return nil, err
	}
	if err := controller.Watch(loop, core.ConfigMaps().Informer(), func(configMap *corev1.ConfigMap) []string {
		if configMap.Name != RootCAConfigMap {
			return nil
		}
		return []string{configMap.Namespace}
	}); err != nil {
		return nil, err
	}
	return loop, nil
}

func (r *rootCAs) reconcile(ctx context.Context, namespace string) error {
	if gone, err := namespaceGone(r.namespaces, namespace); gone || err != nil {
		return err
	}
	current, err := r.configMaps.ConfigMaps(namespace).Get(RootCAConfigMap)
	if apierrors.IsNotFound(err) {
		return r.create(ctx, namespace)
	}
	if err != nil {
		return fmt.Errorf("reading config map %s/%s: %w", namespace, RootCAConfigMap, err)
	}
	if maps.Equal(current.Data, r.data) && current.Annotations[descriptionAnnotation] != "" {
		return nil
	}
	restored := current.DeepCopy()
	restored.Data = r.data
	metav1.SetMetaDataAnnotation(&restored.ObjectMeta, descriptionAnnotation, description)
	if _, err := r.client.CoreV1().ConfigMaps(namespace).Update(ctx, restored, metav1.UpdateOptions{}); err != nil {
		return controller.IgnoreGone(fmt.Errorf("restoring config map %s/%s: %w", namespace, RootCAConfigMap, err))
	}
	return nil
}

func (r *rootCAs) create(ctx context.Context, namespace string) error {
	configMap := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Name:        RootCAConfigMap,
			Namespace:   namespace,
			Annotations: map[string]string{descriptionAnnotation: description},
		},
		Data: r.data,
	}
	_, err := r.client.CoreV1().ConfigMaps(namespace).Create(ctx, configMap, metav1.CreateOptions{})
	if err != nil {
		// One that exists but is not in the cache yet is looked at again when it is.
		return controller.IgnoreGone(fmt.Errorf("creating config map %s/%s: %w", namespace, RootCAConfigMap, err))
	}
	return nil
}
