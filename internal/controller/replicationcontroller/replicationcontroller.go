// Package replicationcontroller keeps as many pods as each
// ReplicationController asks for.
//
// Floor 2: a client of the API only.
package replicationcontroller

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller"
	"github.com/causeway-access/causeway/internal/controller/replication"
)

type kind struct {
	client kubernetes.Interface
	lister corelisters.ReplicationControllerLister
}

// New makes the controller.
func New(config controller.Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	informer := config.Informers.Core().V1().ReplicationControllers()
	return replication.New(config, replication.Names{
		Loop: "replicationcontroller", Component: "replication-controller", Kind: corev1.SchemeGroupVersion.WithKind("ReplicationController"),
	}, kind{config.Client, informer.Lister()}, informer.Informer())
}

func ownerOf(rc *corev1.ReplicationController) *replication.Owner {
	return &replication.Owner{
		Object: rc, Selector: labels.SelectorFromSet(rc.Spec.Selector), Template: rc.Spec.Template,
		Replicas: int(ptr.Deref(rc.Spec.Replicas, 1)), MinReady: time.Duration(rc.Spec.MinReadySeconds) * time.Second,
	}
}

// Get implements [replication.Kind].
func (k kind) Get(namespace, name string) (*replication.Owner, error) {
	rc, err := k.lister.ReplicationControllers(namespace).Get(name)
	if err != nil {
		return nil, err
	}
	return ownerOf(rc), nil
}

// List implements [replication.Kind].
func (k kind) List(namespace string) ([]*replication.Owner, error) {
	all, err := k.lister.ReplicationControllers(namespace).List(labels.Everything())
	if err != nil {
		return nil, err
	}
	var owners []*replication.Owner
	for _, rc := range all {
		owners = append(owners, ownerOf(rc))
	}
	return owners, nil
}

// Fresh implements [replication.Kind].
func (k kind) Fresh(ctx context.Context, namespace, name string) (metav1.Object, error) {
	return k.client.CoreV1().ReplicationControllers(namespace).Get(ctx, name, metav1.GetOptions{})
}

// WriteStatus implements [replication.Kind].
func (k kind) WriteStatus(ctx context.Context, owner *replication.Owner, status replication.Status) error {
	rc := owner.Object.(*corev1.ReplicationController)
	next := corev1.ReplicationControllerStatus{
		Replicas: status.Replicas, FullyLabeledReplicas: status.FullyLabeled,
		ReadyReplicas: status.Ready, AvailableReplicas: status.Available,
		ObservedGeneration: rc.Generation,
		Conditions:         conditions(rc.Status.Conditions, status.Failure),
	}
	if apiequality.Semantic.DeepEqual(next, rc.Status) {
		return nil
	}
	changed := rc.DeepCopy()
	changed.Status = next
	if _, err := k.client.CoreV1().ReplicationControllers(rc.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("writing the status of replication controller %s/%s: %w", rc.Namespace, rc.Name, err)
	}
	return nil
}

// conditions is the old conditions with the failure of now, or with none.
func conditions(old []corev1.ReplicationControllerCondition, failure *replication.Failure) []corev1.ReplicationControllerCondition {
	var result []corev1.ReplicationControllerCondition
	since := metav1.Now()
	for _, c := range old {
		if c.Type != corev1.ReplicationControllerReplicaFailure {
			result = append(result, c)
		} else if failure != nil {
			since = c.LastTransitionTime
		}
	}
	if failure == nil {
		return result
	}
	return append(result, corev1.ReplicationControllerCondition{
		Type: corev1.ReplicationControllerReplicaFailure, Status: corev1.ConditionTrue,
		Reason: failure.Reason, Message: failure.Message, LastTransitionTime: since,
	})
}
