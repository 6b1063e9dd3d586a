package job

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/causeway-access/causeway/internal/controller"
	"github.com/causeway-access/causeway/internal/controller/ownpods"
)

// letGo removes the finalizers of pods.
func (r *runner) letGo(ctx context.Context, key cache.ObjectName, pods []*corev1.Pod) error {
	return ownpods.InParallel(pods, func(pod *corev1.Pod) error {
		if !tracked(pod) || r.released.has(key, pod.UID) {
			return nil
		}
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
			"uid": pod.UID, "$deleteFromPrimitiveList/finalizers": []string{batchv1.JobTrackingFinalizer},
		}})
		if err != nil {
			return err
		}
		_, err = r.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, controller.StrategicMerge, patch, metav1.PatchOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("letting pod %s/%s go: %w", pod.Namespace, pod.Name, err)
		}
		r.released.add(key, pod.UID)
		return nil
	})
}

// strays is the pods that wait to be counted by a job that is gone: one of this
// name with another UID, or if uid is empty any.
func strays(pods []*corev1.Pod, name string, uid types.UID) []*corev1.Pod {
	var found []*corev1.Pod
	for _, pod := range pods {
		if !tracked(pod) {
			continue
		}
		ref := metav1.GetControllerOf(pod)
		orphan := ref == nil && uid == "" && pod.Labels[batchv1.JobNameLabel] == name
		if orphan || (ref != nil && ref.Kind == jobKind.Kind && ref.Name == name && ref.UID != uid) {
			found = append(found, pod)
		}
	}
	return found
}

// releases is the pods whose finalizer was removed, until the cache knows it.
type releases struct {
	mu   sync.Mutex
	jobs map[cache.ObjectName]map[types.UID]bool
}

func newReleases() *releases { return &releases{jobs: map[cache.ObjectName]map[types.UID]bool{}} }

func (r *releases) add(key cache.ObjectName, pod types.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.jobs[key] == nil {
		r.jobs[key] = map[types.UID]bool{}
	}
	r.jobs[key][pod] = true
}

func (r *releases) has(key cache.ObjectName, pod types.UID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.jobs[key][pod]
}

// seen forgets all but those that the cache still shows with a finalizer.
func (r *releases) seen(key cache.ObjectName, pods []*corev1.Pod) {
	r.mu.Lock()
	defer r.mu.Unlock()
	still := map[types.UID]bool{}
	for _, pod := range pods {
		if r.jobs[key][pod.UID] && tracked(pod) {
			still[pod.UID] = true
		}
	}
	r.jobs[key] = still
}

func (r *releases) forget(key cache.ObjectName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.jobs, key)
}
