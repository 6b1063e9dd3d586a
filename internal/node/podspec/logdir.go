package podspec

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// longestName is that of a file or directory, in bytes (NAME_MAX of Linux).
const longestName = 255

// LogDir is the name of the directory of a pod's logs, as kubelets have it:
// NAMESPACE_NAME_UID. With the longest names that would be more than a directory
// may be called, so that the pod's name is cut short; the UID tells pods apart.
func LogDir(pod *corev1.Pod) string {
	name := pod.Name
	if most := longestName - len(pod.Namespace) - len(pod.UID) - len("__"); len(name) > most {
		name = name[:max(0, most)]
	}
	return fmt.Sprintf("%s_%s_%s", pod.Namespace, name, pod.UID)
}
