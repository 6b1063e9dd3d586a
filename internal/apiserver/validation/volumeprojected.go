package validation

import (
	"path"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkProjected checks a volume put together from several sources, whose
// files must not fall onto each other.
func checkProjected(v *corev1.ProjectedVolumeSource, p *field.Path) field.ErrorList {
	errs := checkMode(v.DefaultMode, p.Child("defaultMode"))
	paths := map[string]bool{}
	for i := range v.Sources {
		source, at := &v.Sources[i], p.Child("sources").Index(i)
		kinds := setFields(source)
		if len(kinds) == 0 {
			errs = append(errs, field.Required(at, "must specify a volume type"))
			continue
		}
		for _, kind := range kinds[1:] {
			errs = append(errs, field.Forbidden(at.Child(kind), "may not specify more than 1 volume type per source"))
		}
		errs = append(errs, checkProjection(source, kinds[0], at.Child(kinds[0]))...)
		for _, file := range projectedPaths(source) {
			if clean := path.Clean(file); paths[clean] {
				errs = append(errs, field.Invalid(at, file, "conflicting duplicate paths"))
			} else {
				paths[clean] = true
			}
		}
	}
	return errs
}

func checkProjection(source *corev1.VolumeProjection, kind string, p *field.Path) field.ErrorList {
	switch kind {
	case "secret":
		errs := present(p.Child("name"), source.Secret.Name)
		return append(errs, checkItems(source.Secret.Items, nil, p)...)
	case "configMap":
		errs := present(p.Child("name"), source.ConfigMap.Name)
		return append(errs, checkItems(source.ConfigMap.Items, nil, p)...)
	case "downwardAPI":
		return checkDownwardFiles(source.DownwardAPI.Items, p.Child("items"))
	case "serviceAccountToken":
		return checkTokenProjection(source.ServiceAccountToken, p)
	case "clusterTrustBundle":
		return checkTrustBundle(source.ClusterTrustBundle, p)
	case "podCertificate":
		return checkPodCertificate(source.PodCertificate, p)
	}
	return nil
}

// minTokenSeconds keeps nodes from renewing tokens all the time.
const minTokenSeconds = 10 * 60

func checkTokenProjection(t *corev1.ServiceAccountTokenProjection, p *field.Path) field.ErrorList {
	errs := checkFilePath(t.Path, p.Child("path"))
	if t.ExpirationSeconds == nil {
		return append(errs, field.Required(p.Child("expirationSeconds"), ""))
	}
	switch seconds := *t.ExpirationSeconds; {
	case seconds < minTokenSeconds:
		errs = append(errs, field.Invalid(p.Child("expirationSeconds"), seconds, "may not specify a duration less than 10 minutes"))
	case seconds > 1<<32:
		errs = append(errs, field.Invalid(p.Child("expirationSeconds"), seconds, "may not specify a duration larger than 2^32 seconds"))
	}
	return errs
}

func checkTrustBundle(b *corev1.ClusterTrustBundleProjection, p *field.Path) field.ErrorList {
	errs := checkFilePath(b.Path, p.Child("path"))
	switch {
	case b.Name != nil && b.SignerName != nil:
		return append(errs, field.Invalid(p, b, "only one of name and signerName may be used"))
	case b.Name == nil && b.SignerName == nil:
		return append(errs, field.Required(p, "either name or signerName must be specified"))
	case b.Name != nil:
		errs = append(errs, named(p.Child("name"), *b.Name, whole(subdomainName))...)
		if b.LabelSelector != nil {
			errs = append(errs, field.Invalid(p.Child("labelSelector"), b.LabelSelector, "labelSelector must be unset if name is specified"))
		}
	default:
		errs = append(errs, present(p.Child("signerName"), *b.SignerName)...)
		errs = append(errs, selector(p.Child("labelSelector"), b.LabelSelector)...)
	}
	return errs
}

func checkPodCertificate(c *corev1.PodCertificateProjection, p *field.Path) field.ErrorList {
	errs := named(p.Child("signerName"), c.SignerName, validation.IsQualifiedName)
	errs = append(errs, oneOf(p.Child("keyType"), c.KeyType, "RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519")...)
	if c.CredentialBundlePath == "" && c.KeyPath == "" && c.CertificateChainPath == "" {
		return append(errs, field.Required(p, "specify at least one of credentialBundlePath, keyPath, and certificateChainPath"))
	}
	for _, f := range []struct{ name, path string }{
		{"credentialBundlePath", c.CredentialBundlePath},
		{"keyPath", c.KeyPath},
		{"certificateChainPath", c.CertificateChainPath},
	} {
		if f.path != "" {
			errs = append(errs, checkFilePath(f.path, p.Child(f.name))...)
		}
	}
	return errs
}

// projectedPaths lists the files a source makes, as far as the pod says.
func projectedPaths(source *corev1.VolumeProjection) []string {
	var paths []string
	if s := source.Secret; s != nil {
		for _, item := range s.Items {
			paths = append(paths, item.Path)
		}
	}
	if s := source.ConfigMap; s != nil {
		for _, item := range s.Items {
			paths = append(paths, item.Path)
		}
	}
	if s := source.DownwardAPI; s != nil {
		for _, item := range s.Items {
			paths = append(paths, item.Path)
		}
	}
	if s := source.ServiceAccountToken; s != nil {
		paths = append(paths, s.Path)
	}
	if s := source.ClusterTrustBundle; s != nil {
		paths = append(paths, s.Path)
	}
	if s := source.PodCertificate; s != nil {
		for _, file := range []string{s.CredentialBundlePath, s.KeyPath, s.CertificateChainPath} {
			if file != "" {
				paths = append(paths, file)
			}
		}
	}
	return paths
}
