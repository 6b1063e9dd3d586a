package validation

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkEnv checks the environment a container is started with. A name may be
// given twice; the last one holds.
func (s podScope) checkEnv(env []corev1.EnvVar, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, e := range env {
		at := p.Index(i)
		errs = append(errs, named(at.Child("name"), e.Name, validation.IsRelaxedEnvVarName)...)
		if e.ValueFrom != nil {
			errs = append(errs, s.checkEnvSource(&e, at.Child("valueFrom"))...)
		}
	}
	return errs
}

func (s podScope) checkEnvSource(e *corev1.EnvVar, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	from, sources := e.ValueFrom, 0
	if from.FieldRef != nil {
		sources++
		errs = append(errs, checkFieldRef(from.FieldRef, envFields, p.Child("fieldRef"))...)
	}
	if from.ResourceFieldRef != nil {
		sources++
		errs = append(errs, checkResourceFieldRef(from.ResourceFieldRef, p.Child("resourceFieldRef"))...)
	}
	if ref := from.ConfigMapKeyRef; ref != nil {
		sources++
		errs = append(errs, checkKeyRef(ref.Name, ref.Key, p.Child("configMapKeyRef"))...)
	}
	if ref := from.SecretKeyRef; ref != nil {
		sources++
		errs = append(errs, checkKeyRef(ref.Name, ref.Key, p.Child("secretKeyRef"))...)
	}
	if from.FileKeyRef != nil {
		sources++
		errs = append(errs, s.checkFileKeyRef(from.FileKeyRef, p.Child("fileKeyRef"))...)
	}
	switch {
	case sources == 0:
		errs = append(errs, field.Invalid(p, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"))
	case e.Value != "":
		errs = append(errs, field.Invalid(p, "", "may not be specified when `value` is not empty"))
	case sources > 1:
		errs = append(errs, field.Invalid(p, "", "may not have more than one field specified at a time"))
	}
	return errs
}

// checkKeyRef checks a reference to one key of a config map or secret.
func checkKeyRef(name, key string, p *field.Path) field.ErrorList {
	errs := named(p.Child("name"), name, whole(subdomainName))
	return append(errs, named(p.Child("key"), key, validation.IsConfigMapKey)...)
}

// checkFileKeyRef checks a reference to a variable in a file, which an init
// container leaves in an empty directory.
func (s podScope) checkFileKeyRef(ref *corev1.FileKeySelector, p *field.Path) field.ErrorList {
	errs := named(p.Child("key"), ref.Key, validation.IsRelaxedEnvVarName)
	errs = append(errs, present(p.Child("path"), ref.Path)...)
	errs = append(errs, relativePath(p.Child("path"), ref.Path)...)
	if ref.VolumeName == "" {
		return append(errs, field.Required(p.Child("volumeName"), ""))
	}
	volume, ok := s.volumes[ref.VolumeName]
	if !ok {
		return append(errs, field.NotFound(p.Child("volumeName"), ref.VolumeName))
	}
	if volume.EmptyDir == nil {
		errs = append(errs, field.Invalid(p.Child("volumeName"), ref.VolumeName, "referenced volume must be of type emptyDir"))
	}
	return errs
}

// checkEnvFrom checks config maps and secrets taken into the environment
// whole.
func checkEnvFrom(sources []corev1.EnvFromSource, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, from := range sources {
		at := p.Index(i)
		errs = append(errs, namedIfSet(at.Child("prefix"), from.Prefix, validation.IsRelaxedEnvVarName)...)
		if from.ConfigMapRef != nil {
			errs = append(errs, named(at.Child("configMapRef", "name"), from.ConfigMapRef.Name, whole(subdomainName))...)
		}
		if from.SecretRef != nil {
			errs = append(errs, named(at.Child("secretRef", "name"), from.SecretRef.Name, whole(subdomainName))...)
		}
		switch {
		case from.ConfigMapRef == nil && from.SecretRef == nil:
			errs = append(errs, field.Invalid(at, "", "must specify one of: `configMapRef` or `secretRef`"))
		case from.ConfigMapRef != nil && from.SecretRef != nil:
			errs = append(errs, field.Invalid(at, "", "may not have more than one field specified at a time"))
		}
	}
	return errs
}

// downwardFields are the fields of a pod that its containers may read. Those
// of keyed take one key, as in metadata.labels['app'].
type downwardFields struct {
	plain, keyed []string
}

var (
	envFields = downwardFields{
		plain: []string{
			"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
			"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
		},
		keyed: []string{"metadata.annotations", "metadata.labels"},
	}
	volumeFields = downwardFields{
		plain: []string{"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"},
		keyed: []string{"metadata.annotations", "metadata.labels"},
	}
)

func checkFieldRef(ref *corev1.ObjectFieldSelector, allowed downwardFields, p *field.Path) field.ErrorList {
	if ref.APIVersion == "" {
		return field.ErrorList{field.Required(p.Child("apiVersion"), "")}
	}
	if ref.FieldPath == "" {
		return field.ErrorList{field.Required(p.Child("fieldPath"), "")}
	}
	if ref.APIVersion != "v1" {
		return field.ErrorList{field.Invalid(p.Child("fieldPath"), ref.FieldPath, "error converting fieldPath: unsupported pod version: "+ref.APIVersion)}
	}
	name, key, subscripted := splitSubscript(ref.FieldPath)
	switch {
	case !subscripted && slices.Contains(allowed.plain, name):
		return nil
	case !subscripted:
		return field.ErrorList{field.NotSupported(p.Child("fieldPath"), ref.FieldPath, allowed.plain)}
	case !slices.Contains(allowed.keyed, name):
		return field.ErrorList{field.Invalid(p.Child("fieldPath"), name, "does not support subscript")}
	case name == "metadata.annotations": // annotation keys are compared without case
		key = strings.ToLower(key)
	}
	return invalidIf(p.Child("fieldPath"), key, validation.IsQualifiedName(key))
}

// splitSubscript takes path['key'] apart.
func splitSubscript(path string) (name, key string, ok bool) {
	rest, ok := strings.CutSuffix(path, "']")
	if !ok {
		return path, "", false
	}
	name, key, ok = strings.Cut(rest, "['")
	if !ok || name == "" {
		return path, "", false
	}
	return name, key, true
}
