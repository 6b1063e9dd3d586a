package validation

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func configMap(c *corev1.ConfigMap) field.ErrorList {
	errs := metadata(&c.ObjectMeta, namespaced, subdomainName)
	size := 0
	for _, key := range slices.Sorted(maps.Keys(c.Data)) {
		p := field.NewPath("data").Key(key)
		errs = append(errs, invalidIf(p, key, validation.IsConfigMapKey(key))...)
		if _, twice := c.BinaryData[key]; twice {
			errs = append(errs, field.Invalid(p, key, "duplicate of key present in binaryData"))
		}
		size += len(c.Data[key])
	}
	for _, key := range slices.Sorted(maps.Keys(c.BinaryData)) {
		errs = append(errs, invalidIf(field.NewPath("binaryData").Key(key), key, validation.IsConfigMapKey(key))...)
		size += len(c.BinaryData[key])
	}
	if size > corev1.MaxSecretSize {
		errs = append(errs, field.TooLong(field.NewPath(""), "" /* the whole object */, corev1.MaxSecretSize))
	}
	return errs
}

func configMapUpdate(c, old *corev1.ConfigMap) field.ErrorList {
	errs := metadataUpdate(&c.ObjectMeta, &old.ObjectMeta)
	if deref(old.Immutable) {
		if !deref(c.Immutable) {
			errs = append(errs, field.Forbidden(field.NewPath("immutable"), onceImmutable))
		}
		if !equality.Semantic.DeepEqual(c.Data, old.Data) {
			errs = append(errs, field.Forbidden(field.NewPath("data"), onceImmutable))
		}
		if !equality.Semantic.DeepEqual(c.BinaryData, old.BinaryData) {
			errs = append(errs, field.Forbidden(field.NewPath("binaryData"), onceImmutable))
		}
	}
	return append(errs, configMap(c)...)
}
