package volume

import (
	"context"
	"errors"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubectl/pkg/util/fieldpath"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/node/podspec"
)

// content is the files of a volume by their paths in it.
type content map[string]file

type file struct {
	data []byte
	mode int32 // permission bits
	// user owns it if that is not the agent's.
	user *int64
}

// reading is how an object is read: asked of the API, or remembered.
type reading func(ctx context.Context, k key) (object, error)

// collect puts together the files of a volume.
func (m *Manager) collect(ctx context.Context, p *pod, v *corev1.Volume, read reading) (content, error) {
	switch {
	case v.ConfigMap != nil:
		s := v.ConfigMap
		return fromObject(ctx, read, key{configMaps, p.spec.Namespace, s.Name}, s.Items, ptr.Deref(s.DefaultMode, 0o644), ptr.Deref(s.Optional, false))
	case v.Secret != nil:
		s := v.Secret
		return fromObject(ctx, read, key{secrets, p.spec.Namespace, s.SecretName}, s.Items, ptr.Deref(s.DefaultMode, 0o644), ptr.Deref(s.Optional, false))
	case v.DownwardAPI != nil:
		return m.fromPod(p.spec, v.DownwardAPI.Items, ptr.Deref(v.DownwardAPI.DefaultMode, 0o644))
	}
	all := content{}
	var errs []error
	for i := range v.Projected.Sources {
		part, err := m.project(ctx, p, v, &v.Projected.Sources[i], read)
		errs = append(errs, err)
		maps.Copy(all, part)
	}
	return all, errors.Join(errs...)
}

// project gives the files of one source of a projected volume.
func (m *Manager) project(ctx context.Context, p *pod, v *corev1.Volume, s *corev1.VolumeProjection, read reading) (content, error) {
	mode := ptr.Deref(v.Projected.DefaultMode, 0o644)
	switch {
	case s.ConfigMap != nil:
		return fromObject(ctx, read, key{configMaps, p.spec.Namespace, s.ConfigMap.Name}, s.ConfigMap.Items, mode, ptr.Deref(s.ConfigMap.Optional, false))
	case s.Secret != nil:
		return fromObject(ctx, read, key{secrets, p.spec.Namespace, s.Secret.Name}, s.Secret.Items, mode, ptr.Deref(s.Secret.Optional, false))
	case s.DownwardAPI != nil:
		return m.fromPod(p.spec, s.DownwardAPI.Items, mode)
	case s.ServiceAccountToken != nil:
		return m.fromToken(ctx, p, v.Name, s.ServiceAccountToken, mode)
	case s.ClusterTrustBundle != nil:
		return nil, errors.New("sources of type clusterTrustBundle are not supported by this node")
	case s.PodCertificate != nil:
		return nil, errors.New("sources of type podCertificate are not supported by this node")
	}
	return nil, errors.New("a source of its type is not supported by this node")
}

// absentError says which object or key is not there.
type absentError string

// errAbsent is what every absentError is.
var errAbsent = errors.New("absent")

func (e absentError) Error() string        { return string(e) }
func (e absentError) Is(target error) bool { return target == errAbsent }

// fromObject gives the files of a ConfigMap or Secret: all keys, or the items.
func fromObject(ctx context.Context, read reading, k key, items []corev1.KeyToPath, mode int32, optional bool) (content, error) {
	o, err := read(ctx, k)
	if err != nil {
		return nil, err
	}
	if !o.found && !optional {
		return nil, absentError(fmt.Sprintf("%s %q not found", k.kind, k.name))
	}
	files := content{}
	if len(items) == 0 {
		for name, data := range o.data {
			files[name] = file{data: data, mode: mode}
		}
	}
	for _, item := range items {
		data, ok := o.data[item.Key]
		if !ok && !optional {
			return nil, absentError(fmt.Sprintf("%s references non-existent %s key: %s", k.kind, k.kind.short(), item.Key))
		}
		if ok {
			files[item.Path] = file{data: data, mode: ptr.Deref(item.Mode, mode)}
		}
	}
	return files, nil
}

// fromPod gives the files of a downwardAPI volume.
func (m *Manager) fromPod(spec *corev1.Pod, items []corev1.DownwardAPIVolumeFile, mode int32) (content, error) {
	files, errs := content{}, []error(nil)
	for _, item := range items {
		value, err := m.valueOf(spec, item)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		files[item.Path] = file{data: []byte(value), mode: ptr.Deref(item.Mode, mode)}
	}
	return files, errors.Join(errs...)
}

func (m *Manager) valueOf(spec *corev1.Pod, item corev1.DownwardAPIVolumeFile) (string, error) {
	switch {
	case item.FieldRef != nil:
		return fieldpath.ExtractFieldPathAsString(spec, item.FieldRef.FieldPath)
	case item.ResourceFieldRef != nil:
		node := podspec.Node{Name: m.cfg.Node}
		if m.cfg.Allocatable != nil {
			node.Allocatable = m.cfg.Allocatable()
		}
		return podspec.Quantity(spec, node, nil, item.ResourceFieldRef)
	}
	return "", fmt.Errorf("the item of %q has neither fieldRef nor resourceFieldRef", item.Path)
}
