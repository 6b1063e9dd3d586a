// Package replicaset keeps as many pods as each ReplicaSet asks for.
//
// Floor 2: a client of the API only.
package replicaset

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller"
	"github.com/causeway-access/causeway/internal/controller/replication"
)

type kind struct {
	client kubernetes.Interface
	lister appslisters.ReplicaSetLister
}

// New makes the controller.
func New(config controller.Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	informer := config.Informers.Apps().V1().ReplicaSets()
	return replication.New(config, replication.Names{
		Loop: "replicaset", Component: "replicaset-controller", Kind: appsv1.SchemeGroupVersion.WithKind("ReplicaSet"),
	}, kind{config.Client, informer.Lister()}, informer.Informer())
}

func ownerOf(rs *appsv1.ReplicaSet) (*replication.Owner, error) {
	selector, err := metav1.LabelSelectorAsSelector(rs.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("reading the selector of replica set %s/%s: %w", rs.Namespace, rs.Name, err)
	}
	return &replication.Owner{
		Object: rs, Selector: selector, Template: &rs.Spec.Template,
		Replicas: int(ptr.Deref(rs.Spec.Replicas, 1)), MinReady: time.Duration(rs.Spec.MinReadySeconds) * time.Second,
	}, nil
}

// Get implements [replication.Kind].
func (k kind) Get(namespace, name string) (*replication.Owner, error) {
	rs, err := k.lister.ReplicaSets(namespace).Get(name)
	if err != nil {
		return nil, err
	}
	return ownerOf(rs)
}

// List implements [replication.Kind].
func (k kind) List(namespace string) ([]*replication.Owner, error) {
	all, err := k.lister.ReplicaSets(namespace).List(labels.Everything())
	if err != nil {
		return nil, err
	}
	var owners []*replication.Owner
	for _, rs := range all {
		if owner, err := ownerOf(rs); err == nil {
			owners = append(owners, owner)
		}
	}
	return owners, nil
}

// Fresh implements [replication.Kind].
func (k kind) Fresh(ctx context.Context, namespace, name string) (metav1.Object, error) {
	return k.client.AppsV1().ReplicaSets(namespace).Get(ctx, name, metav1.GetOptions{})
}

// WriteStatus implements [replication.Kind].
func (k kind) WriteStatus(ctx context.Context, owner *replication.Owner, status replication.Status) error {
	rs := owner.Object.(*appsv1.ReplicaSet)
	next := appsv1.ReplicaSetStatus{
		Replicas: status.Replicas, FullyLabeledReplicas: status.FullyLabeled,
		ReadyReplicas: status.Ready, AvailableReplicas: status.Available,
		ObservedGeneration: rs.Generation, TerminatingReplicas: rs.Status.TerminatingReplicas,
		Conditions: conditions(rs.Status.Conditions, status.Failure),
	}
	if apiequality.Semantic.DeepEqual(next, rs.Status) {
		return nil
	}
	changed := rs.DeepCopy()
	changed.Status = next
	if _, err := k.client.AppsV1().ReplicaSets(rs.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("writing the status of replica set %s/%s: %w", rs.Namespace, rs.Name, err)
	}
	return nil
}

// conditions is the old conditions with the failure of now, or with none.
func conditions(old []appsv1.ReplicaSetCondition, failure *replication.Failure) []appsv1.ReplicaSetCondition {
	var result []appsv1.ReplicaSetCondition
	since := metav1.Now()
	for _, c := range old {
		if c.Type != appsv1.ReplicaSetReplicaFailure {
			result = append(result, c)
		} else if failure != nil {
			since = c.LastTransitionTime
		}
	}
	if failure == nil {
		return result
	}
	return append(result, appsv1.ReplicaSetCondition{
		Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue,
		Reason: failure.Reason, Message: failure.Message, LastTransitionTime: since,
	})
}
