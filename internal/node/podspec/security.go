package podspec

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/podrun"
)

// security puts what a pod and its container say together; the container has
// the last word.
func security(pod *corev1.Pod, c *corev1.Container) (podrun.Security, error) {
	p, s := contexts(pod, c)
	out := podrun.Security{
		User: cmp.Or(s.RunAsUser, p.RunAsUser), Group: cmp.Or(s.RunAsGroup, p.RunAsGroup),
		Groups:       groups(p),
		Privileged:   ptr.Deref(s.Privileged, false),
		ReadOnlyRoot: ptr.Deref(s.ReadOnlyRootFilesystem, false),
	}
	if s.Capabilities != nil {
		out.AddCapabilities, out.DropCapabilities = capabilities(s.Capabilities.Add), capabilities(s.Capabilities.Drop)
	}
	out.NoNewPrivileges = s.AllowPrivilegeEscalation != nil && !*s.AllowPrivilegeEscalation
	if profile := cmp.Or(s.SeccompProfile, p.SeccompProfile); profile != nil {
		switch profile.Type {
		case corev1.SeccompProfileTypeUnconfined:
			out.UnconfinedSeccomp = true
		case corev1.SeccompProfileTypeLocalhost:
			return out, errors.New("seccomp profiles of type Localhost are not supported: use RuntimeDefault")
		}
	}
	return out, nil
}

// contexts are a pod's and a container's, empty where there is none.
func contexts(pod *corev1.Pod, c *corev1.Container) (*corev1.PodSecurityContext, *corev1.SecurityContext) {
	return cmp.Or(pod.Spec.SecurityContext, &corev1.PodSecurityContext{}), cmp.Or(c.SecurityContext, &corev1.SecurityContext{})
}

func groups(p *corev1.PodSecurityContext) []int64 {
	list := slices.Clone(p.SupplementalGroups)
	if p.FSGroup != nil && !slices.Contains(list, *p.FSGroup) {
		list = append(list, *p.FSGroup)
	}
	return list
}

// capabilities are without the prefix that some write.
func capabilities(list []corev1.Capability) []string {
	var names []string
	for _, c := range list {
		names = append(names, strings.TrimPrefix(strings.ToUpper(string(c)), "CAP_"))
	}
	return names
}

// checkNonRoot refuses a container that must not be root and would be, or of
// which that cannot be known. imageUser is what the image runs as: a number, a
// name, or a number and a group.
func checkNonRoot(pod *corev1.Pod, c *corev1.Container, imageUser string) error {
	p, s := contexts(pod, c)
	if must := cmp.Or(s.RunAsNonRoot, p.RunAsNonRoot); must == nil || !*must {
		return nil
	}
	where := fmt.Sprintf("(pod: %q, container: %s)", Describe(pod), c.Name)
	if user := cmp.Or(s.RunAsUser, p.RunAsUser); user != nil {
		if *user == 0 {
			return fmt.Errorf("container's runAsUser breaks non-root policy %s", where)
		}
		return nil
	}
	user, _, _ := strings.Cut(imageUser, ":")
	uid, err := strconv.ParseInt(user, 10, 64)
	switch {
	case user == "", err == nil && uid == 0:
		return fmt.Errorf("container has runAsNonRoot and image will run as root %s", where)
	case err != nil:
		return fmt.Errorf("container has runAsNonRoot and image has non-numeric user (%s), cannot verify user is non-root %s", user, where)
	}
	return nil
}
