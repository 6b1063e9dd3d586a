package validation

import (
	"encoding/json"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// onceImmutable is said of a change to data that its author has fixed.
const onceImmutable = "field is immutable when `immutable` is set"

func secret(s *corev1.Secret) field.ErrorList {
	errs := metadata(&s.ObjectMeta, namespaced, subdomainName)
	data := field.NewPath("data")
	size := 0
	for _, key := range slices.Sorted(maps.Keys(s.Data)) {
		errs = append(errs, invalidIf(data.Key(key), key, validation.IsConfigMapKey(key))...)
		size += len(s.Data[key])
	}
	if size > corev1.MaxSecretSize {
		errs = append(errs, field.TooLong(data, "" /* never the contents */, corev1.MaxSecretSize))
	}
	return append(errs, secretType(s)...)
}

func secretUpdate(s, old *corev1.Secret) field.ErrorList {
	errs := metadataUpdate(&s.ObjectMeta, &old.ObjectMeta)
	errs = append(errs, immutable(field.NewPath("type"), s.Type, old.Type)...)
	if deref(old.Immutable) {
		if !deref(s.Immutable) {
			errs = append(errs, field.Forbidden(field.NewPath("immutable"), onceImmutable))
		}
		if !equality.Semantic.DeepEqual(s.Data, old.Data) {
			errs = append(errs, field.Forbidden(field.NewPath("data"), onceImmutable))
		}
	}
	return append(errs, secret(s)...)
}

// secretType requires what readers of the well-known types rely on.
func secretType(s *corev1.Secret) field.ErrorList {
	data := field.NewPath("data")
	switch s.Type {
	case corev1.SecretTypeServiceAccountToken:
		// A controller adds the account's UID and the token later.
		p := field.NewPath("metadata", "annotations").Key(corev1.ServiceAccountNameKey)
		return present(p, s.Annotations[corev1.ServiceAccountNameKey])
	case corev1.SecretTypeDockercfg:
		return dataJSON(s, corev1.DockerConfigKey)
	case corev1.SecretTypeDockerConfigJson:
		return dataJSON(s, corev1.DockerConfigJsonKey)
	case corev1.SecretTypeBasicAuth:
		_, user := s.Data[corev1.BasicAuthUsernameKey]
		_, password := s.Data[corev1.BasicAuthPasswordKey]
		if user || password { // either may be left out, but not both
			return nil
		}
		return dataKeys(s, corev1.BasicAuthUsernameKey, corev1.BasicAuthPasswordKey)
	case corev1.SecretTypeSSHAuth:
		return present(data.Key(corev1.SSHAuthPrivateKey), string(s.Data[corev1.SSHAuthPrivateKey]))
	case corev1.SecretTypeTLS:
		return dataKeys(s, corev1.TLSCertKey, corev1.TLSPrivateKeyKey)
	default:
		return nil
	}
}

// dataKeys requires keys, whose values may be empty.
func dataKeys(s *corev1.Secret, keys ...string) field.ErrorList {
	var errs field.ErrorList
	for _, key := range keys {
		if _, ok := s.Data[key]; !ok {
			errs = append(errs, field.Required(field.NewPath("data").Key(key), ""))
		}
	}
	return errs
}

// dataJSON requires a key whose value is a JSON object.
func dataJSON(s *corev1.Secret, key string) field.ErrorList {
	if errs := dataKeys(s, key); len(errs) > 0 {
		return errs
	}
	if err := json.Unmarshal(s.Data[key], &map[string]any{}); err != nil {
		return field.ErrorList{field.Invalid(field.NewPath("data").Key(key), "<secret contents redacted>", err.Error())}
	}
	return nil
}

// deref gives the value of an optional field, or its zero value.
func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
