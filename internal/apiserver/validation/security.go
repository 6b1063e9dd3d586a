package validation

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkPodSecurity checks what all containers of a pod may do and as whom
// they run.
func (s podScope) checkPodSecurity(p *field.Path) field.ErrorList {
	sc := s.spec.SecurityContext
	if sc == nil {
		return nil
	}
	errs := checkIDs(sc.RunAsUser, sc.RunAsGroup, p)
	if sc.FSGroup != nil {
		errs = append(errs, invalidIf(p.Child("fsGroup"), *sc.FSGroup, validation.IsValidGroupID(*sc.FSGroup))...)
	}
	for i, group := range sc.SupplementalGroups {
		errs = append(errs, invalidIf(p.Child("supplementalGroups").Index(i), group, validation.IsValidGroupID(group))...)
	}
	errs = append(errs, oneOfIfSet(p.Child("supplementalGroupsPolicy"), sc.SupplementalGroupsPolicy,
		corev1.SupplementalGroupsPolicyMerge, corev1.SupplementalGroupsPolicyStrict)...)
	errs = append(errs, oneOfIfSet(p.Child("fsGroupChangePolicy"), sc.FSGroupChangePolicy,
		corev1.FSGroupChangeAlways, corev1.FSGroupChangeOnRootMismatch)...)
	errs = append(errs, oneOfIfSet(p.Child("seLinuxChangePolicy"), sc.SELinuxChangePolicy,
		corev1.SELinuxChangePolicyMountOption, corev1.SELinuxChangePolicyRecursive)...)
	errs = append(errs, checkSeccomp(sc.SeccompProfile, p.Child("seccompProfile"))...)
	errs = append(errs, checkAppArmor(sc.AppArmorProfile, p.Child("appArmorProfile"))...)
	errs = append(errs, s.checkSysctls(sc.Sysctls, p.Child("sysctls"))...)
	return append(errs, s.checkWindowsOptions(sc.WindowsOptions, p.Child("windowsOptions"))...)
}

// checkSecurityContext checks what one container may do.
func (s podScope) checkSecurityContext(sc *corev1.SecurityContext, p *field.Path) field.ErrorList {
	if sc == nil {
		return nil
	}
	errs := checkIDs(sc.RunAsUser, sc.RunAsGroup, p)
	errs = append(errs, checkEscalation(sc, p)...)
	errs = append(errs, s.checkProcMount(sc.ProcMount, p.Child("procMount"))...)
	errs = append(errs, checkSeccomp(sc.SeccompProfile, p.Child("seccompProfile"))...)
	errs = append(errs, checkAppArmor(sc.AppArmorProfile, p.Child("appArmorProfile"))...)
	return append(errs, s.checkWindowsOptions(sc.WindowsOptions, p.Child("windowsOptions"))...)
}

func checkIDs(user, group *int64, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	if user != nil {
		errs = append(errs, invalidIf(p.Child("runAsUser"), *user, validation.IsValidUserID(*user))...)
	}
	if group != nil {
		errs = append(errs, invalidIf(p.Child("runAsGroup"), *group, validation.IsValidGroupID(*group))...)
	}
	return errs
}

// checkEscalation refuses to forbid more rights to one who has them all.
func checkEscalation(sc *corev1.SecurityContext, p *field.Path) field.ErrorList {
	if sc.AllowPrivilegeEscalation == nil || *sc.AllowPrivilegeEscalation {
		return nil
	}
	var errs field.ErrorList
	if sc.Privileged != nil && *sc.Privileged {
		errs = append(errs, field.Invalid(p, sc, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"))
	}
	if sc.Capabilities != nil && slices.Contains(sc.Capabilities.Add, "CAP_SYS_ADMIN") {
		errs = append(errs, field.Invalid(p, sc, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"))
	}
	return errs
}

// checkProcMount shows the whole of /proc only to pods with users of their
// own.
func (s podScope) checkProcMount(mount *corev1.ProcMountType, p *field.Path) field.ErrorList {
	errs := oneOfIfSet(p, mount, corev1.DefaultProcMount, corev1.UnmaskedProcMount)
	if mount != nil && *mount == corev1.UnmaskedProcMount && (s.spec.HostUsers == nil || *s.spec.HostUsers) {
		errs = append(errs, field.Invalid(p, *mount, "`hostUsers` must be false to use `Unmasked`"))
	}
	return errs
}

func checkSeccomp(profile *corev1.SeccompProfile, p *field.Path) field.ErrorList {
	if profile == nil {
		return nil
	}
	if profile.Type == "" {
		return field.ErrorList{field.Required(p.Child("type"), "type is required when seccompProfile is set")}
	}
	errs := oneOf(p.Child("type"), profile.Type,
		corev1.SeccompProfileTypeLocalhost, corev1.SeccompProfileTypeRuntimeDefault, corev1.SeccompProfileTypeUnconfined)
	local := profile.Type == corev1.SeccompProfileTypeLocalhost
	p = p.Child("localhostProfile")
	switch {
	case local && (profile.LocalhostProfile == nil || *profile.LocalhostProfile == ""):
		errs = append(errs, field.Required(p, "must be set when seccomp type is Localhost"))
	case local:
		errs = append(errs, relativePath(p, *profile.LocalhostProfile)...)
	case profile.LocalhostProfile != nil:
		errs = append(errs, field.Invalid(p, *profile.LocalhostProfile, "can only be set when seccomp type is Localhost"))
	}
	return errs
}

func checkAppArmor(profile *corev1.AppArmorProfile, p *field.Path) field.ErrorList {
	if profile == nil {
		return nil
	}
	if profile.Type == "" {
		return field.ErrorList{field.Required(p.Child("type"), "type is required when appArmorProfile is set")}
	}
	errs := oneOf(p.Child("type"), profile.Type,
		corev1.AppArmorProfileTypeLocalhost, corev1.AppArmorProfileTypeRuntimeDefault, corev1.AppArmorProfileTypeUnconfined)
	local := profile.Type == corev1.AppArmorProfileTypeLocalhost
	p = p.Child("localhostProfile")
	switch {
	case local && (profile.LocalhostProfile == nil || strings.TrimSpace(*profile.LocalhostProfile) == ""):
		errs = append(errs, field.Required(p, "must be set when AppArmor type is Localhost"))
	case local && strings.TrimSpace(*profile.LocalhostProfile) != *profile.LocalhostProfile:
		errs = append(errs, field.Invalid(p, *profile.LocalhostProfile, "must not be padded with whitespace"))
	case local && len(*profile.LocalhostProfile) > maxAppArmorProfile:
		errs = append(errs, field.TooLong(p, *profile.LocalhostProfile, maxAppArmorProfile))
	case !local && profile.LocalhostProfile != nil:
		errs = append(errs, field.Invalid(p, *profile.LocalhostProfile, "can only be set when AppArmor type is Localhost"))
	}
	return errs
}

const (
	maxAppArmorProfile = 4095 // PATH_MAX without the terminating zero

	maxSysctlName     = 253
	sysctlSegment     = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
	sysctlNamePattern = "^(" + sysctlSegment + `[\./])*` + sysctlSegment + "$"
)

var sysctlName = regexp.MustCompile(sysctlNamePattern)

// checkSysctls checks kernel parameters, and refuses those that would be the
// host's because the pod shares the name space they belong to.
func (s podScope) checkSysctls(sysctls []corev1.Sysctl, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := map[string]bool{}
	for i, sysctl := range sysctls {
		at := p.Index(i).Child("name")
		name := strings.ReplaceAll(sysctl.Name, "/", ".")
		switch {
		case sysctl.Name == "":
			errs = append(errs, field.Required(at, ""))
			continue
		case len(sysctl.Name) > maxSysctlName || !sysctlName.MatchString(sysctl.Name):
			errs = append(errs, field.Invalid(at, sysctl.Name,
				fmt.Sprintf("must have at most %d characters and match regex %s", maxSysctlName, sysctlNamePattern)))
		default:
			errs = append(errs, unique(at, name, seen)...)
		}
		if s.spec.HostNetwork && strings.HasPrefix(name, "net.") {
			errs = append(errs, field.Invalid(at, sysctl.Name, "may not be specified when 'hostNetwork' is true"))
		}
		if s.spec.HostIPC && isIPCSysctl(name) {
			errs = append(errs, field.Invalid(at, sysctl.Name, "may not be specified when 'hostIPC' is true"))
		}
	}
	return errs
}

func isIPCSysctl(name string) bool {
	for _, pattern := range []string{"kernel.shm*", "kernel.msg*", "kernel.sem", "fs.mqueue.*"} {
		if ok, err := path.Match(pattern, name); err == nil && ok {
			return true
		}
	}
	return false
}

// checkWindowsOptions refuses options of Windows where the pod says that it
// is one of Linux.
func (s podScope) checkWindowsOptions(options *corev1.WindowsSecurityContextOptions, p *field.Path) field.ErrorList {
	if options != nil && s.spec.OS != nil && s.spec.OS.Name == corev1.Linux {
		return field.ErrorList{field.Forbidden(p, "windows options cannot be set for a linux pod")}
	}
	return nil
}
