package podspec

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"
)

// Objects finds what an environment refers to. An object that does not exist
// is an error of which [apierrors.IsNotFound] is true.
type Objects interface {
	ConfigMap(namespace, name string) (*corev1.ConfigMap, error)
	Secret(namespace, name string) (*corev1.Secret, error)
}

// Surroundings are what an environment is made of beside the pod.
type Surroundings struct {
	Node Node
	// IPs are the pod's.
	IPs []netip.Addr
	// Services are those of the pod's namespace, and that of the API.
	Services []*corev1.Service
	Objects  Objects
}

// Environment is a container's.
type Environment struct {
	vars variables
	// Skipped are keys that cannot be names of variables.
	Skipped []string
}

// List is as a program gets it: NAME=value.
func (e *Environment) List() []string { return e.vars.list() }

// Value is that of a variable.
func (e *Environment) Value(name string) (string, bool) { return e.vars.get(name) }

// MakeEnvironment puts a container's variables together: services, envFrom,
// env. What comes later takes the place of what has its name, and may refer to
// what came before.
func MakeEnvironment(pod *corev1.Pod, c *corev1.Container, with Surroundings) (*Environment, error) {
	e := &Environment{vars: links(pod, with.Services)}
	for i := range c.EnvFrom {
		if err := e.from(pod, &c.EnvFrom[i], with.Objects); err != nil {
			return nil, err
		}
	}
	for i := range c.Env {
		value, err := e.value(pod, c, &c.Env[i], with)
		if errors.Is(err, errAbsent) {
			continue
		}
		if err != nil {
			return nil, err
		}
		e.vars.set(c.Env[i].Name, value)
	}
	return e, nil
}

// from adds all keys of an object.
func (e *Environment) from(pod *corev1.Pod, source *corev1.EnvFromSource, objects Objects) error {
	values := map[string]string{}
	switch ref := source; {
	case ref.ConfigMapRef != nil:
		m, err := configMap(objects, pod.Namespace, ref.ConfigMapRef.Name, ref.ConfigMapRef.Optional)
		if err != nil {
			return ignoreAbsent(err)
		}
		maps.Copy(values, m.Data)
	case ref.SecretRef != nil:
		s, err := secret(objects, pod.Namespace, ref.SecretRef.Name, ref.SecretRef.Optional)
		if err != nil {
			return ignoreAbsent(err)
		}
		for key, data := range s.Data {
			values[key] = string(data)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		name := source.Prefix + key
		if len(validation.IsRelaxedEnvVarName(name)) > 0 {
			e.Skipped = append(e.Skipped, name)
			continue
		}
		e.vars.set(name, values[key])
	}
	return nil
}

// errAbsent says that something is not there and need not be.
var errAbsent = errors.New("absent")

func ignoreAbsent(err error) error {
	if errors.Is(err, errAbsent) {
		return nil
	}
	return err
}

// value is that of one variable, or errAbsent.
func (e *Environment) value(pod *corev1.Pod, c *corev1.Container, v *corev1.EnvVar, with Surroundings) (string, error) {
	from := v.ValueFrom
	switch {
	case v.Value != "" || from == nil:
		return Expand(v.Value, e.vars.get), nil
	case from.FieldRef != nil:
		return Field(pod, with.Node, with.IPs, from.FieldRef.FieldPath)
	case from.ResourceFieldRef != nil:
		return Quantity(pod, with.Node, c, from.ResourceFieldRef)
	case from.ConfigMapKeyRef != nil:
		return keyOfConfigMap(pod, from.ConfigMapKeyRef, with.Objects)
	case from.SecretKeyRef != nil:
		return keyOfSecret(pod, from.SecretKeyRef, with.Objects)
	}
	return "", fmt.Errorf("the source of the environment variable %s is not supported", v.Name)
}

func keyOfConfigMap(pod *corev1.Pod, ref *corev1.ConfigMapKeySelector, objects Objects) (string, error) {
	m, err := configMap(objects, pod.Namespace, ref.Name, ref.Optional)
	if err != nil {
		return "", err
	}
	if value, ok := m.Data[ref.Key]; ok {
		return value, nil
	}
	if ptr.Deref(ref.Optional, false) {
		return "", errAbsent
	}
	return "", fmt.Errorf("couldn't find key %s in ConfigMap %s/%s", ref.Key, pod.Namespace, ref.Name)
}

func keyOfSecret(pod *corev1.Pod, ref *corev1.SecretKeySelector, objects Objects) (string, error) {
	s, err := secret(objects, pod.Namespace, ref.Name, ref.Optional)
	if err != nil {
		return "", err
	}
	if value, ok := s.Data[ref.Key]; ok {
		return string(value), nil
	}
	if ptr.Deref(ref.Optional, false) {
		return "", errAbsent
	}
	return "", fmt.Errorf("couldn't find key %s in Secret %s/%s", ref.Key, pod.Namespace, ref.Name)
}

func configMap(objects Objects, namespace, name string, optional *bool) (*corev1.ConfigMap, error) {
	m, err := objects.ConfigMap(namespace, name)
	return m, missing(err, "configmap", name, optional)
}

func secret(objects Objects, namespace, name string, optional *bool) (*corev1.Secret, error) {
	s, err := objects.Secret(namespace, name)
	return s, missing(err, "secret", name, optional)
}

// missing says that an object is not there as users know it.
func missing(err error, kind, name string, optional *bool) error {
	if !apierrors.IsNotFound(err) {
		return err
	}
	if ptr.Deref(optional, false) {
		return errAbsent
	}
	return fmt.Errorf("%s %q not found", kind, name)
}
