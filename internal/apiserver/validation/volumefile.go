package validation

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkMode wants permission bits.
func checkMode(mode *int32, p *field.Path) field.ErrorList {
	if mode != nil && (*mode < 0 || *mode > 0o777) {
		return field.ErrorList{field.Invalid(p, *mode, "must be a number between 0 and 0777 (octal), both inclusive")}
	}
	return nil
}

// checkItems checks which keys of a config map or secret become which files.
func checkItems(items []corev1.KeyToPath, defaultMode *int32, p *field.Path) field.ErrorList {
	errs := checkMode(defaultMode, p.Child("defaultMode"))
	for i, item := range items {
		at := p.Child("items").Index(i)
		errs = append(errs, present(at.Child("key"), item.Key)...)
		errs = append(errs, checkFilePath(item.Path, at.Child("path"))...)
		errs = append(errs, checkMode(item.Mode, at.Child("mode"))...)
	}
	return errs
}

// checkFilePath wants the path of a file in a volume. Names that begin with
// two dots are kept for the links by which a volume is renewed at one blow.
func checkFilePath(value string, p *field.Path) field.ErrorList {
	errs := present(p, value)
	errs = append(errs, relativePath(p, value)...)
	if strings.HasPrefix(value, "..") && !strings.HasPrefix(value, "../") && value != ".." {
		errs = append(errs, field.Invalid(p, value, "must not start with '..'"))
	}
	return errs
}

// checkDownwardFiles checks which fields of the pod become which files.
func checkDownwardFiles(files []corev1.DownwardAPIVolumeFile, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, file := range files {
		at := p.Index(i)
		errs = append(errs, checkFilePath(file.Path, at.Child("path"))...)
		errs = append(errs, checkMode(file.Mode, at.Child("mode"))...)
		switch {
		case file.FieldRef == nil && file.ResourceFieldRef == nil:
			errs = append(errs, field.Required(at, "one of fieldRef and resourceFieldRef is required"))
		case file.FieldRef != nil && file.ResourceFieldRef != nil:
			errs = append(errs, field.Invalid(at, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"))
		case file.FieldRef != nil:
			errs = append(errs, checkFieldRef(file.FieldRef, volumeFields, at.Child("fieldRef"))...)
		default:
			errs = append(errs, present(at.Child("resourceFieldRef", "containerName"), file.ResourceFieldRef.ContainerName)...)
			errs = append(errs, checkResourceFieldRef(file.ResourceFieldRef, at.Child("resourceFieldRef"))...)
		}
	}
	return errs
}
