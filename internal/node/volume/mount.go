package volume

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// mount makes one volume. The caller holds the pod's lock.
func (m *Manager) mount(ctx context.Context, p *pod, v *corev1.Volume) (string, error) {
	if err := checkName(v.Name); err != nil {
		return "", err
	}
	switch {
	case v.EmptyDir != nil:
		return m.emptyDir(p.spec, v)
	case v.HostPath != nil:
		return v.HostPath.Path, checkHostPath(v.HostPath.Path, ptr.Deref(v.HostPath.Type, corev1.HostPathUnset))
	case madeOfObjects(v):
		dir := m.contentDir(p.spec.UID, v)
		content, err := m.collect(ctx, p, v, m.objects.ask)
		if err != nil {
			return "", err
		}
		return dir, m.write(p.spec, dir, content)
	}
	return "", unsupported(&v.VolumeSource)
}

// madeOfObjects tells whether a volume's content comes from the API.
func madeOfObjects(v *corev1.Volume) bool {
	return v.ConfigMap != nil || v.Secret != nil || v.DownwardAPI != nil || v.Projected != nil
}

// contentDir is the directory of a volume that is made of objects: in memory
// if it may have secrets.
func (m *Manager) contentDir(uid types.UID, v *corev1.Volume) string {
	if v.Secret != nil || v.Projected != nil {
		return filepath.Join(m.memory(), string(uid), v.Name)
	}
	return filepath.Join(m.disk(), string(uid), v.Name)
}

func (m *Manager) write(spec *corev1.Pod, dir string, content content) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	return replace(dir, content, groupOf(spec))
}

// groupOf is the group that volumes belong to, or nil.
func groupOf(spec *corev1.Pod) *int64 {
	if spec.Spec.SecurityContext == nil {
		return nil
	}
	return spec.Spec.SecurityContext.FSGroup
}

// unsupported names the kind of a volume that this node does not have.
func unsupported(source *corev1.VolumeSource) error {
	if source.PersistentVolumeClaim != nil {
		return fmt.Errorf("persistentvolumeclaim %q: this node has no persistent volumes; use emptyDir or hostPath", source.PersistentVolumeClaim.ClaimName)
	}
	kinds := map[string]bool{
		"awsElasticBlockStore": source.AWSElasticBlockStore != nil, "azureDisk": source.AzureDisk != nil, "azureFile": source.AzureFile != nil,
		"cephfs": source.CephFS != nil, "cinder": source.Cinder != nil, "csi": source.CSI != nil, "ephemeral": source.Ephemeral != nil,
		"fc": source.FC != nil, "flexVolume": source.FlexVolume != nil, "gcePersistentDisk": source.GCEPersistentDisk != nil,
		"gitRepo": source.GitRepo != nil, "glusterfs": source.Glusterfs != nil, "image": source.Image != nil, "iscsi": source.ISCSI != nil,
		"nfs": source.NFS != nil, "rbd": source.RBD != nil, "vsphereVolume": source.VsphereVolume != nil,
	}
	for kind, is := range kinds {
		if is {
			return fmt.Errorf("volumes of type %s are not supported by this node", kind)
		}
	}
	return errors.New("volumes of its type are not supported by this node")
}

// checkName refuses names that would lead out of a directory. The API server
// does so too; this is the place where it matters.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("%q is not the name of a directory", name)
	}
	return nil
}

// checkPath refuses a path of a file in a volume that leads out of it or
// meets the names that the volume's own workings use.
func checkPath(path string) error {
	if !filepath.IsLocal(path) || filepath.Clean(path) != path || path == "." || strings.HasPrefix(path, "..") || strings.ContainsRune(path, 0) {
		return fmt.Errorf("invalid path %q: it must be relative, without \"..\"", path)
	}
	return nil
}
