package podspec

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Mount is a volume, or a part of it, that a container sees.
type Mount struct {
	// Volume is the volume's name, Source its path on the node.
	Volume, Source string
	// SubPath is the part of it, empty for all: relative, without "..". It may
	// lead over symbolic links that containers have made: who opens it sees to
	// it that it stays below Source.
	SubPath string
	// Target is absolute in the container.
	Target   string
	ReadOnly bool
}

// Mounts are a container's, outer ones before those within them. volumes are
// the pod's, by name, as they are on the node.
func Mounts(c *corev1.Container, volumes map[string]string, env *Environment) ([]Mount, error) {
	var list []Mount
	for _, m := range c.VolumeMounts {
		source, ok := volumes[m.Name]
		if !ok {
			return nil, fmt.Errorf("cannot find volume %q to mount into container %q", m.Name, c.Name)
		}
		sub := m.SubPath
		if m.SubPathExpr != "" {
			sub = Expand(m.SubPathExpr, env.Value)
			if sub == "" || strings.Contains(sub, "$(") {
				return nil, fmt.Errorf("failed to expand subPath for volumeMount %q of container %q: %s", m.Name, c.Name, m.SubPathExpr)
			}
		}
		if path.IsAbs(sub) || slices.Contains(strings.Split(sub, "/"), "..") {
			return nil, fmt.Errorf("subPath %q of volume %q must be a relative path without '..'", sub, m.Name)
		}
		list = append(list, Mount{
			Volume: m.Name, Source: source, SubPath: sub,
			Target: path.Join("/", m.MountPath), ReadOnly: m.ReadOnly,
		})
	}
	slices.SortStableFunc(list, func(a, b Mount) int { return cmp.Compare(a.Target, b.Target) })
	return list, nil
}
