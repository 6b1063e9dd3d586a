// Package deployment brings the pods of each Deployment from one template to
// the next: it makes a ReplicaSet for every template and moves the number of
// replicas from the old ones to the new, at the rate that the Deployment
// allows. The ReplicaSets of earlier templates are kept as its history.
//
// Floor 2: a client of the API only.
package deployment

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/causeway-access/causeway/internal/controller"
)

const workers = 4

var (
	deploymentKind = appsv1.SchemeGroupVersion.WithKind("Deployment")
	replicaSetKind = appsv1.SchemeGroupVersion.WithKind("ReplicaSet")
)

type deployer struct {
	client      kubernetes.Interface
	deployments appslisters.DeploymentLister
	sets        appslisters.ReplicaSetLister
	pods        corelisters.PodLister
	events      record.EventRecorder
	loop        *controller.Loop[cache.ObjectName]
}

// New makes the controller.
func New(config controller.Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	apps, pods := config.Informers.Apps().V1(), config.Informers.Core().V1().Pods()
	d := &deployer{
		client: config.Client, deployments: apps.Deployments().Lister(), sets: apps.ReplicaSets().Lister(),
		pods: pods.Lister(), events: config.Recorder("deployment-controller"),
	}
	d.loop = controller.NewLoop("deployment", workers, config.For("deployment"), d.reconcile)
	d.loop.Elect(config.Election)
	if err := controller.Watch(d.loop, apps.Deployments().Informer(), controller.KeyOf[*appsv1.Deployment]); err != nil {
		return nil, err
	}
	if err := controller.Watch(d.loop, apps.ReplicaSets().Informer(), d.ownersOf); err != nil {
		return nil, err
	}
	// A Deployment that recreates its pods waits for the old ones to be gone.
	if err := controller.Watch(d.loop, pods.Informer(), d.waitersFor); err != nil {
		return nil, err
	}
	return d.loop, nil
}

// ownersOf is the deployment that a replica set names, or if it names none, all
// that would adopt it.
func (d *deployer) ownersOf(rs *appsv1.ReplicaSet) []cache.ObjectName {
	if ref := metav1.GetControllerOf(rs); ref != nil {
		if ref.Kind != deploymentKind.Kind || ref.APIVersion != deploymentKind.GroupVersion().String() {
			return nil
		}
		return []cache.ObjectName{cache.NewObjectName(rs.Namespace, ref.Name)}
	}
	all, err := d.deployments.Deployments(rs.Namespace).List(labels.Everything())
	if err != nil {
		return nil // a cache's list with no selector cannot fail
	}
	var keys []cache.ObjectName
	for _, deployment := range all {
		selector, err := metav1.LabelSelectorAsSelector(deployment.Spec.Selector)
		if err == nil && selector.Matches(labels.Set(rs.Labels)) {
			keys = append(keys, cache.MetaObjectToName(deployment))
		}
	}
	return keys
}

// waitersFor is the deployment that recreates pods and had this one.
func (d *deployer) waitersFor(pod *corev1.Pod) []cache.ObjectName {
	ref := metav1.GetControllerOf(pod)
	if ref == nil || ref.Kind != replicaSetKind.Kind {
		return nil
	}
	rs, err := d.sets.ReplicaSets(pod.Namespace).Get(ref.Name)
	if err != nil {
		return nil
	}
	owner := metav1.GetControllerOf(rs)
	if owner == nil || owner.Kind != deploymentKind.Kind {
		return nil
	}
	deployment, err := d.deployments.Deployments(pod.Namespace).Get(owner.Name)
	if err != nil || deployment.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
		return nil
	}
	return controller.KeyOf(deployment)
}

// reconcile takes one deployment a step further.
func (d *deployer) reconcile(ctx context.Context, key cache.ObjectName) error {
	cached, err := d.deployments.Deployments(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil // the garbage collector deletes the replica sets
	}
	if err != nil {
		return fmt.Errorf("reading deployment %s: %w", key, err)
	}
	r, err := d.begin(ctx, cached.DeepCopy())
	if err != nil {
		return controller.IgnoreGone(err)
	}
	return controller.IgnoreGone(r.step(ctx))
}

// begin gathers what a deployment has.
func (d *deployer) begin(ctx context.Context, deployment *appsv1.Deployment) (*rollout, error) {
	selector, err := metav1.LabelSelectorAsSelector(deployment.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("reading the selector of deployment %s/%s: %w", deployment.Namespace, deployment.Name, err)
	}
	all, err := d.sets.ReplicaSets(deployment.Namespace).List(labels.Everything())
	if err != nil {
		return nil, fmt.Errorf("listing replica sets: %w", err)
	}
	claim := controller.Claim[*appsv1.ReplicaSet]{
		Owner: deployment, Kind: deploymentKind, Selector: selector,
		Fresh: func(ctx context.Context) (metav1.Object, error) {
			return d.client.AppsV1().Deployments(deployment.Namespace).Get(ctx, deployment.Name, metav1.GetOptions{})
		},
		Patch: func(ctx context.Context, rs *appsv1.ReplicaSet, patch []byte) error {
			_, err := d.client.AppsV1().ReplicaSets(rs.Namespace).Patch(ctx, rs.Name, controller.StrategicMerge, patch, metav1.PatchOptions{})
			return err
		},
	}
	sets, err := claim.Of(ctx, all)
	if err != nil {
		return nil, err
	}
	return newRollout(d, deployment, sets), nil
}
