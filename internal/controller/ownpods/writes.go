package ownpods

import (
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/tools/cache"
)

// Writes remembers what was written and has not come back by the watch yet.
// Without it an owner looked at twice in quick succession would make its pods
// twice.
type Writes struct {
	mu     sync.Mutex
	owners map[cache.ObjectName]*ownWrites
}

type ownWrites struct {
	owner   types.UID
	created map[types.UID]string // resource versions of new pods
	deleted map[types.UID]bool
}

// NewWrites makes one that remembers nothing.
func NewWrites() *Writes { return &Writes{owners: map[cache.ObjectName]*ownWrites{}} }

// of is the record of an owner; mu must be held.
func (w *Writes) of(key cache.ObjectName) *ownWrites {
	own := w.owners[key]
	if own == nil {
		own = &ownWrites{created: map[types.UID]string{}, deleted: map[types.UID]bool{}}
		w.owners[key] = own
	}
	return own
}

// Forget forgets an owner that is gone.
func (w *Writes) Forget(key cache.ObjectName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.owners, key)
}

// Created notes a new pod.
func (w *Writes) Created(key cache.ObjectName, pod *corev1.Pod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.of(key).created[pod.UID] = pod.ResourceVersion
}

// Deleted notes that a pod was asked to go.
func (w *Writes) Deleted(key cache.ObjectName, pod *corev1.Pod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.of(key).deleted[pod.UID] = true
}

// Seen reports that the cache, which is at version, holds every pod that was
// created for this owner, or has held it.
func (w *Writes) Seen(key cache.ObjectName, owner types.UID, pods []*corev1.Pod, version string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if own := w.owners[key]; own != nil && own.owner != owner {
		delete(w.owners, key) // another object of this name
	}
	own := w.of(key)
	own.owner = owner
	cached := make(map[types.UID]*corev1.Pod, len(pods))
	for _, pod := range pods {
		cached[pod.UID] = pod
	}
	for uid, at := range own.created {
		if order, err := resourceversion.CompareResourceVersion(version, at); cached[uid] != nil || (err == nil && order >= 0) {
			delete(own.created, uid)
		}
	}
	for uid := range own.deleted {
		if pod := cached[uid]; pod == nil || pod.DeletionTimestamp != nil {
			delete(own.deleted, uid)
		}
	}
	return len(own.created) == 0
}

// Leaving reports that a pod was asked to go, though the cache may not know it.
func (w *Writes) Leaving(key cache.ObjectName, pod *corev1.Pod) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return pod.DeletionTimestamp != nil || w.of(key).deleted[pod.UID]
}

// Without leaves out the pods that were deleted though the cache does not know it.
func (w *Writes) Without(key cache.ObjectName, pods []*corev1.Pod) []*corev1.Pod {
	w.mu.Lock()
	defer w.mu.Unlock()
	var rest []*corev1.Pod
	for _, pod := range pods {
		if !w.of(key).deleted[pod.UID] {
			rest = append(rest, pod)
		}
	}
	return rest
}
