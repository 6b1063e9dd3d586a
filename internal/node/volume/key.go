package volume

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

// kind is that of an object with data, as error messages call it.
type kind string

const (
	configMaps kind = "configmap"
	secrets    kind = "secret"
)

// short is what a key of such an object is called.
func (k kind) short() string {
	if k == configMaps {
		return "config"
	}
	return string(k)
}

// key names an object.
type key struct {
	kind            kind
	namespace, name string
}

func (k key) String() string { return fmt.Sprintf("%s %s/%s", k.kind, k.namespace, k.name) }

func (k key) get(ctx context.Context, client kubernetes.Interface) (object, error) {
	if k.kind == secrets {
		s, err := client.CoreV1().Secrets(k.namespace).Get(ctx, k.name, metav1.GetOptions{})
		if err != nil {
			return object{}, err
		}
		return read(s)
	}
	c, err := client.CoreV1().ConfigMaps(k.namespace).Get(ctx, k.name, metav1.GetOptions{})
	if err != nil {
		return object{}, err
	}
	return read(c)
}

// list reads the object, found or not, at a version from which it can be
// watched.
func (k key) list(ctx context.Context, client kubernetes.Interface, options metav1.ListOptions) (object, error) {
	now := object{}
	var version string
	if k.kind == secrets {
		list, err := client.CoreV1().Secrets(k.namespace).List(ctx, options)
		if err != nil {
			return now, err
		}
		version = list.ResourceVersion
		for i := range list.Items {
			now = ofSecret(&list.Items[i])
		}
	} else {
		list, err := client.CoreV1().ConfigMaps(k.namespace).List(ctx, options)
		if err != nil {
			return now, err
		}
		version = list.ResourceVersion
		for i := range list.Items {
			now = ofConfigMap(&list.Items[i])
		}
	}
	now.version = version
	return now, nil
}

func (k key) watch(ctx context.Context, client kubernetes.Interface, options metav1.ListOptions) (watch.Interface, error) {
	if k.kind == secrets {
		return client.CoreV1().Secrets(k.namespace).Watch(ctx, options)
	}
	return client.CoreV1().ConfigMaps(k.namespace).Watch(ctx, options)
}

// read takes the data out of an object.
func read(obj runtime.Object) (object, error) {
	switch obj := obj.(type) {
	case *corev1.Secret:
		return ofSecret(obj), nil
	case *corev1.ConfigMap:
		return ofConfigMap(obj), nil
	}
	return object{}, fmt.Errorf("the API server sent a %T", obj)
}

func ofSecret(s *corev1.Secret) object {
	return object{found: true, data: s.Data, version: s.ResourceVersion}
}

func ofConfigMap(c *corev1.ConfigMap) object {
	data := make(map[string][]byte, len(c.Data)+len(c.BinaryData))
	for name, text := range c.Data {
		data[name] = []byte(text)
	}
	for name, bytes := range c.BinaryData {
		data[name] = bytes
	}
	return object{found: true, data: data, version: c.ResourceVersion}
}

// references are the objects that a pod's volumes are made of.
func references(spec *corev1.Pod) sets.Set[key] {
	keys := sets.New[key]()
	add := func(kind kind, name string) { keys.Insert(key{kind, spec.Namespace, name}) }
	for _, v := range spec.Spec.Volumes {
		if v.ConfigMap != nil {
			add(configMaps, v.ConfigMap.Name)
		}
		if v.Secret != nil {
			add(secrets, v.Secret.SecretName)
		}
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.ConfigMap != nil {
				add(configMaps, s.ConfigMap.Name)
			}
			if s.Secret != nil {
				add(secrets, s.Secret.Name)
			}
		}
	}
	return keys
}
