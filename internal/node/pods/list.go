package pods

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/causeway-access/causeway/internal/podrun"
)

// Pods are all pods that the node has, with their newest status. They are the
// caller's own.
func (m *Manager) Pods() []*corev1.Pod {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*corev1.Pod
	for _, w := range m.workers {
		list = append(list, w.look().pod.DeepCopy())
	}
	slices.SortFunc(list, func(a, b *corev1.Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.UID, b.UID))
	})
	return list
}

// Container is the newest of a name in a pod, whether it runs or has ended.
// The UID may be empty. What is not there is an error that
// [apierrors.IsNotFound] knows; one that is yet to be made says why it waits.
func (m *Manager) Container(namespace, pod string, uid types.UID, name string) (podrun.Container, error) {
	s, err := m.find(namespace, pod, uid)
	if err != nil {
		return podrun.Container{}, err
	}
	if c, ok := s.containers[name]; ok {
		return c, nil
	}
	status := &s.pod.Status
	for _, list := range [][]corev1.ContainerStatus{status.InitContainerStatuses, status.ContainerStatuses, status.EphemeralContainerStatuses} {
		for _, c := range list {
			if c.Name == name && c.State.Waiting != nil {
				return podrun.Container{}, apierrors.NewBadRequest(fmt.Sprintf("container %q in pod %q is waiting to start: %s", name, pod, c.State.Waiting.Reason))
			}
		}
	}
	return podrun.Container{}, apierrors.NewBadRequest(fmt.Sprintf("container %s is not valid for pod %s", name, pod))
}

// Sandbox is the ID of a pod's. The UID may be empty.
func (m *Manager) Sandbox(namespace, pod string, uid types.UID) (string, error) {
	s, err := m.find(namespace, pod, uid)
	if err != nil {
		return "", err
	}
	if s.sandbox == "" {
		return "", apierrors.NewBadRequest(fmt.Sprintf("pod %q is not running", pod))
	}
	return s.sandbox, nil
}

// find is the pod of a name, the newest if there are several.
func (m *Manager) find(namespace, name string, uid types.UID) (shown, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found *shown
	for _, w := range m.workers {
		s := w.look()
		if s.pod.Namespace != namespace || s.pod.Name != name || uid != "" && s.pod.UID != uid {
			continue
		}
		if found == nil || found.pod.CreationTimestamp.Before(&s.pod.CreationTimestamp) {
			found = &s
		}
	}
	if found == nil {
		return shown{}, apierrors.NewNotFound(corev1.Resource("pods"), name)
	}
	return *found, nil
}

// look reads what a worker shows.
func (w *worker) look() shown {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.shown
}

// addresses are those of a status that are any.
func addresses(ips []corev1.PodIP) []netip.Addr {
	var list []netip.Addr
	for _, ip := range ips {
		if a, err := netip.ParseAddr(ip.IP); err == nil {
			list = append(list, a)
		}
	}
	return list
}
