// Package replication keeps as many pods alive as their owner asks for. It is
// what the controllers of ReplicaSets and of ReplicationControllers have in
// common; each tells by a [Kind] how its objects are read and written.
//
// Pods have random names, so a second copy of the controller that works at the
// same time would make too many: the loop takes part in the election.
//
// Floor 2: a client of the API only.
package replication

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/causeway-access/causeway/internal/controller/ownpods"
)

// Owner is an object that keeps pods, in the words that both kinds share.
// Nothing in it may be changed: it comes out of a cache.
type Owner struct {
	// Object is the object itself.
	Object ownpods.Owner
	// Selector finds its pods.
	Selector labels.Selector
	// Template is what they are made of.
	Template *corev1.PodTemplateSpec
	// Replicas is how many there are to be.
	Replicas int
	// MinReady is how long a pod is ready before it counts as available.
	MinReady time.Duration
}

// Status is what is to be told of an owner's pods.
type Status struct {
	Replicas, FullyLabeled, Ready, Available int32
	// Failure says why there are not as many pods as wanted; nil if none was met.
	Failure *Failure
}

// Failure is a condition of type ReplicaFailure.
type Failure struct{ Reason, Message string }

// Kind reads and writes the owners of one kind.
type Kind interface {
	// Get and List read the cache.
	Get(namespace, name string) (*Owner, error)
	List(namespace string) ([]*Owner, error)
	// Fresh reads the metadata of an owner past the cache.
	Fresh(ctx context.Context, namespace, name string) (metav1.Object, error)
	// WriteStatus writes the status if it is another than the owner has.
	WriteStatus(ctx context.Context, owner *Owner, status Status) error
}

// Names are what a kind is called.
type Names struct {
	// Loop is the controller's name.
	Loop string
	// Component is who records events.
	Component string
	// Kind is the owners'.
	Kind schema.GroupVersionKind
}
