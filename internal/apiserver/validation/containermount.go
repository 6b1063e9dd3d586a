package validation

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkVolumeMounts checks where volumes appear in the container.
func (s podScope) checkVolumeMounts(c *corev1.Container, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	paths := map[string]bool{}
	for i := range c.VolumeMounts {
		m, at := &c.VolumeMounts[i], p.Index(i)
		errs = append(errs, s.checkMountedName(m.Name, at.Child("name"))...)
		if slices.ContainsFunc(c.VolumeDevices, func(d corev1.VolumeDevice) bool { return d.Name == m.Name }) {
			errs = append(errs, field.Invalid(at.Child("name"), m.Name, "must not already exist in volumeDevices"))
		}
		errs = append(errs, present(at.Child("mountPath"), m.MountPath)...)
		if paths[m.MountPath] {
			errs = append(errs, field.Invalid(at.Child("mountPath"), m.MountPath, "must be unique"))
		}
		paths[m.MountPath] = true
		if slices.ContainsFunc(c.VolumeDevices, func(d corev1.VolumeDevice) bool { return d.DevicePath == m.MountPath }) {
			errs = append(errs, field.Invalid(at.Child("mountPath"), m.MountPath, "must not already exist as a path in volumeDevices"))
		}
		errs = append(errs, checkSubPath(m, at)...)
		errs = append(errs, checkPropagation(m, c, at)...)
		errs = append(errs, checkRecursiveReadOnly(m, at)...)
	}
	return errs
}

// checkMountedName wants the name of one of the pod's volumes.
func (s podScope) checkMountedName(name string, p *field.Path) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(p, "")}
	}
	if _, ok := s.volumes[name]; !ok {
		return field.ErrorList{field.NotFound(p, name)}
	}
	return nil
}

func checkSubPath(m *corev1.VolumeMount, p *field.Path) field.ErrorList {
	errs := relativePath(p.Child("subPath"), m.SubPath)
	errs = append(errs, relativePath(p.Child("subPathExpr"), m.SubPathExpr)...)
	if m.SubPath != "" && m.SubPathExpr != "" {
		errs = append(errs, field.Invalid(p.Child("subPathExpr"), m.SubPathExpr, "subPathExpr and subPath are mutually exclusive"))
	}
	return errs
}

// checkPropagation lets only privileged containers mount something that the
// host will see.
func checkPropagation(m *corev1.VolumeMount, c *corev1.Container, p *field.Path) field.ErrorList {
	p = p.Child("mountPropagation")
	errs := oneOfIfSet(p, m.MountPropagation,
		corev1.MountPropagationBidirectional, corev1.MountPropagationHostToContainer, corev1.MountPropagationNone)
	if m.MountPropagation == nil || *m.MountPropagation != corev1.MountPropagationBidirectional {
		return errs
	}
	if sc := c.SecurityContext; sc == nil || sc.Privileged == nil || !*sc.Privileged {
		errs = append(errs, field.Forbidden(p, "Bidirectional mount propagation is available only to privileged containers"))
	}
	return errs
}

func checkRecursiveReadOnly(m *corev1.VolumeMount, p *field.Path) field.ErrorList {
	mode := m.RecursiveReadOnly
	if mode == nil {
		return nil
	}
	p = p.Child("recursiveReadOnly")
	errs := oneOf(p, *mode, corev1.RecursiveReadOnlyDisabled, corev1.RecursiveReadOnlyEnabled, corev1.RecursiveReadOnlyIfPossible)
	if *mode == corev1.RecursiveReadOnlyDisabled {
		return errs
	}
	if !m.ReadOnly {
		errs = append(errs, field.Forbidden(p, "may only be specified when readOnly is true"))
	}
	if m.MountPropagation != nil && *m.MountPropagation != corev1.MountPropagationNone {
		errs = append(errs, field.Forbidden(p, "may only be specified when mountPropagation is None or not specified"))
	}
	return errs
}

// checkVolumeDevices checks volumes that the container sees as block devices.
func (s podScope) checkVolumeDevices(c *corev1.Container, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	names, paths := map[string]bool{}, map[string]bool{}
	for i, d := range c.VolumeDevices {
		at := p.Index(i)
		errs = append(errs, s.checkMountedName(d.Name, at.Child("name"))...)
		if names[d.Name] {
			errs = append(errs, field.Invalid(at.Child("name"), d.Name, "must be unique"))
		}
		names[d.Name] = true
		if v, ok := s.volumes[d.Name]; ok && v.PersistentVolumeClaim == nil && v.Ephemeral == nil {
			errs = append(errs, field.Invalid(at.Child("name"), d.Name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"))
		}
		errs = append(errs, present(at.Child("devicePath"), d.DevicePath)...)
		if paths[d.DevicePath] {
			errs = append(errs, field.Invalid(at.Child("devicePath"), d.DevicePath, "must be unique"))
		}
		paths[d.DevicePath] = true
		errs = append(errs, noBacksteps(at.Child("devicePath"), d.DevicePath)...)
	}
	return errs
}
