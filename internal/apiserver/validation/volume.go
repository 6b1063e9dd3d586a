package validation

import (
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkVolumes checks the volumes of a pod and returns those of usable names,
// for what refers to them.
func checkVolumes(volumes []corev1.Volume, p *field.Path) (map[string]*corev1.VolumeSource, field.ErrorList) {
	var errs field.ErrorList
	known := map[string]*corev1.VolumeSource{}
	names := map[string]bool{}
	for i := range volumes {
		v, at := &volumes[i], p.Index(i)
		bad := named(at.Child("name"), v.Name, validation.IsDNS1123Label)
		if len(bad) == 0 {
			bad = unique(at.Child("name"), v.Name, names)
		}
		if len(bad) == 0 {
			known[v.Name] = &v.VolumeSource
		}
		errs = append(errs, bad...)
		errs = append(errs, checkVolumeSource(&v.VolumeSource, at)...)
	}
	return known, errs
}

// checkVolumeSource wants exactly one source, and checks it if pods run here
// can have it. Sources that only drivers of other platforms provide are
// accepted as they are.
func checkVolumeSource(v *corev1.VolumeSource, p *field.Path) field.ErrorList {
	sources := setFields(v)
	if len(sources) == 0 {
		return field.ErrorList{field.Required(p, "must specify a volume type")}
	}
	var errs field.ErrorList
	for _, name := range sources[1:] {
		errs = append(errs, field.Forbidden(p.Child(name), "may not specify more than 1 volume type"))
	}
	return append(errs, checkFirstSource(v, sources[0], p.Child(sources[0]))...)
}

func checkFirstSource(v *corev1.VolumeSource, name string, p *field.Path) field.ErrorList {
	switch name {
	case "emptyDir":
		return checkEmptyDir(v.EmptyDir, p)
	case "hostPath":
		return checkHostPath(v.HostPath, p)
	case "configMap":
		errs := present(p.Child("name"), v.ConfigMap.Name)
		return append(errs, checkItems(v.ConfigMap.Items, v.ConfigMap.DefaultMode, p)...)
	case "secret":
		errs := present(p.Child("secretName"), v.Secret.SecretName)
		return append(errs, checkItems(v.Secret.Items, v.Secret.DefaultMode, p)...)
	case "downwardAPI":
		errs := checkMode(v.DownwardAPI.DefaultMode, p.Child("defaultMode"))
		return append(errs, checkDownwardFiles(v.DownwardAPI.Items, p.Child("items"))...)
	case "projected":
		return checkProjected(v.Projected, p)
	case "persistentVolumeClaim":
		return present(p.Child("claimName"), v.PersistentVolumeClaim.ClaimName)
	case "nfs":
		return checkNFS(v.NFS, p)
	case "csi":
		return checkCSI(v.CSI, p)
	case "ephemeral":
		return checkEphemeralVolume(v.Ephemeral, p)
	case "image":
		errs := present(p.Child("reference"), v.Image.Reference)
		return append(errs, oneOf(p.Child("pullPolicy"), v.Image.PullPolicy,
			corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever)...)
	case "gitRepo":
		errs := present(p.Child("repository"), v.GitRepo.Repository)
		return append(errs, relativePath(p.Child("directory"), v.GitRepo.Directory)...)
	}
	return nil
}

// setFields lists, by their names in JSON, the pointers that are set in a
// struct of alternatives.
func setFields(alternatives any) []string {
	var names []string
	v := reflect.ValueOf(alternatives).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	return names
}

func checkEmptyDir(v *corev1.EmptyDirVolumeSource, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	if v.SizeLimit != nil && v.SizeLimit.Sign() < 0 {
		errs = append(errs, field.Forbidden(p.Child("sizeLimit"), "SizeLimit field must be a valid resource quantity"))
	}
	return append(errs, checkMode(v.Mode, p.Child("mode"))...)
}

func checkHostPath(v *corev1.HostPathVolumeSource, p *field.Path) field.ErrorList {
	if v.Path == "" {
		return field.ErrorList{field.Required(p.Child("path"), "")}
	}
	errs := noBacksteps(p.Child("path"), v.Path)
	return append(errs, oneOfIfSet(p.Child("type"), v.Type,
		corev1.HostPathUnset, corev1.HostPathBlockDev, corev1.HostPathCharDev, corev1.HostPathDirectory,
		corev1.HostPathDirectoryOrCreate, corev1.HostPathFile, corev1.HostPathFileOrCreate, corev1.HostPathSocket)...)
}

func checkNFS(v *corev1.NFSVolumeSource, p *field.Path) field.ErrorList {
	errs := present(p.Child("server"), v.Server)
	errs = append(errs, present(p.Child("path"), v.Path)...)
	if v.Path != "" && !strings.HasPrefix(v.Path, "/") {
		errs = append(errs, field.Invalid(p.Child("path"), v.Path, "must be an absolute path"))
	}
	return errs
}

// maxDriverName is what fits into the labels and socket names made of it.
const maxDriverName = 63

func checkCSI(v *corev1.CSIVolumeSource, p *field.Path) field.ErrorList {
	errs := named(p.Child("driver"), v.Driver, func(driver string) []string {
		return validation.IsDNS1123Subdomain(strings.ToLower(driver))
	})
	if len(v.Driver) > maxDriverName {
		errs = append(errs, field.TooLong(p.Child("driver"), v.Driver, maxDriverName))
	}
	if v.NodePublishSecretRef != nil {
		errs = append(errs, present(p.Child("nodePublishSecretRef", "name"), v.NodePublishSecretRef.Name)...)
	}
	return errs
}

func checkEphemeralVolume(v *corev1.EphemeralVolumeSource, p *field.Path) field.ErrorList {
	if v.VolumeClaimTemplate == nil {
		return field.ErrorList{field.Required(p.Child("volumeClaimTemplate"), "")}
	}
	p = p.Child("volumeClaimTemplate", "spec")
	spec := &v.VolumeClaimTemplate.Spec
	var errs field.ErrorList
	if len(spec.AccessModes) == 0 {
		errs = append(errs, field.Required(p.Child("accessModes"), "at least 1 access mode is required"))
	}
	for _, mode := range spec.AccessModes {
		errs = append(errs, oneOf(p.Child("accessModes"), mode,
			corev1.ReadOnlyMany, corev1.ReadWriteMany, corev1.ReadWriteOnce, corev1.ReadWriteOncePod)...)
	}
	storage, ok := spec.Resources.Requests[corev1.ResourceStorage]
	at := p.Child("resources").Key(string(corev1.ResourceStorage))
	switch {
	case !ok:
		errs = append(errs, field.Required(at, ""))
	case storage.Sign() <= 0:
		errs = append(errs, field.Invalid(at, storage.String(), "must be greater than zero"))
	}
	return append(errs, oneOfIfSet(p.Child("volumeMode"), spec.VolumeMode, corev1.PersistentVolumeBlock, corev1.PersistentVolumeFilesystem)...)
}
