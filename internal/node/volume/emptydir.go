package volume

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// emptyDir makes a directory that lives as long as the pod. What the pod has
// put there stays when it is called again.
func (m *Manager) emptyDir(spec *corev1.Pod, v *corev1.Volume) (string, error) {
	dir := m.EmptyDir(spec.UID, v.Name)
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return "", err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	switch v.EmptyDir.Medium {
	case corev1.StorageMediumDefault:
	case corev1.StorageMediumMemory:
		options := "mode=0777"
		if size := m.memorySize(spec, v.EmptyDir); size > 0 {
			options += fmt.Sprintf(",size=%d", size)
		}
		if err := mountTmpfs(dir, options); err != nil {
			return "", fmt.Errorf("emptyDir of medium Memory: %w", err)
		}
	default:
		return "", fmt.Errorf("emptyDir of medium %q is not supported by this node", v.EmptyDir.Medium)
	}
	mode := os.ModePerm // any user may run in the pod
	if group := groupOf(spec); group != nil {
		if err := os.Lchown(dir, -1, int(*group)); err != nil {
			return "", fmt.Errorf("giving the volume to group %d: %w", *group, err)
		}
		mode |= os.ModeSetgid
	}
	return dir, os.Chmod(dir, mode)
}

// EmptyDir is where a pod's volume of that kind is.
func (m *Manager) EmptyDir(uid types.UID, name string) string {
	return filepath.Join(m.disk(), string(uid), name)
}

// memorySize is the most that a volume in memory may hold: its own limit, but
// no more than the pod or the node has. Zero leaves it to the kernel.
func (m *Manager) memorySize(spec *corev1.Pod, source *corev1.EmptyDirVolumeSource) int64 {
	var least int64
	limit := func(size int64) {
		if size > 0 && (least == 0 || size < least) {
			least = size
		}
	}
	if source.SizeLimit != nil {
		limit(source.SizeLimit.Value())
	}
	limit(memoryOfPod(spec))
	if m.cfg.Allocatable != nil {
		memory := m.cfg.Allocatable()[corev1.ResourceMemory]
		limit(memory.Value())
	}
	return least
}

// memoryOfPod is the limit of all containers together, zero if one has none.
func memoryOfPod(spec *corev1.Pod) int64 {
	var sum int64
	for i := range spec.Spec.Containers {
		limit := spec.Spec.Containers[i].Resources.Limits.Memory().Value()
		if limit == 0 {
			return 0
		}
		sum += limit
	}
	return sum
}
