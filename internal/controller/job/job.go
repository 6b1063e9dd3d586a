// Package job runs the pods of each Job until as many of them as it asks for
// have succeeded, or too many have failed.
//
// Each pod has the finalizer batch.kubernetes.io/job-tracking, as in Kubernetes,
// so that no pod is gone before it was counted; see count.go for how none is
// counted twice.
//
// Floor 2: a client of the API only.
package job

import (
	"context"
	"errors"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	batchlisters "k8s.io/client-go/listers/batch/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/ptr"

	"github.com/causeway-access/causeway/internal/controller"
	"github.com/causeway-access/causeway/internal/controller/ownpods"
)

const (
	workers = 4
	// ourselves is the manager of jobs that name none.
	ourselves = batchv1.JobControllerName
)

var jobKind = batchv1.SchemeGroupVersion.WithKind("Job")

type runner struct {
	client   kubernetes.Interface
	jobs     batchlisters.JobLister
	pods     corelisters.PodLister
	store    cache.Store // of pods
	events   record.EventRecorder
	maker    *ownpods.Maker
	released *releases
	loop     *controller.Loop[cache.ObjectName]
}

// New makes the controller.
func New(config controller.Config) (controller.Controller, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	jobs, pods := config.Informers.Batch().V1().Jobs(), config.Informers.Core().V1().Pods()
	events := config.Recorder("job-controller")
	r := &runner{
		client: config.Client, jobs: jobs.Lister(), pods: pods.Lister(), store: pods.Informer().GetStore(), events: events,
		maker:    &ownpods.Maker{Client: config.Client, Events: events, Kind: jobKind, Writes: ownpods.NewWrites()},
		released: newReleases(),
	}
	r.loop = controller.NewLoop("job", workers, config.For("job"), r.reconcile)
	r.loop.Elect(config.Election)
	return r.loop, errors.Join(
		controller.Watch(r.loop, jobs.Informer(), controller.KeyOf[*batchv1.Job]),
		controller.Watch(r.loop, pods.Informer(), r.ownersOf),
	)
}

// ownersOf is the job of a pod.
func (r *runner) ownersOf(pod *corev1.Pod) []cache.ObjectName { return r.maker.KeysOf(pod, r.adopters) }

// adopters is the jobs that want a pod which is nobody's, and the job whose pod
// it was, which may be gone without having let it go.
func (r *runner) adopters(pod *corev1.Pod) []cache.ObjectName {
	var keys []cache.ObjectName
	if name := pod.Labels[batchv1.JobNameLabel]; name != "" && tracked(pod) {
		keys = append(keys, cache.NewObjectName(pod.Namespace, name))
	}
	all, err := r.jobs.Jobs(pod.Namespace).List(labels.Everything())
	if err != nil {
		return keys // a cache's list with no selector cannot fail
	}
	for _, job := range all {
		selector, err := metav1.LabelSelectorAsSelector(job.Spec.Selector)
		if err == nil && selector.Matches(labels.Set(pod.Labels)) {
			keys = append(keys, cache.MetaObjectToName(job))
		}
	}
	return keys
}

// reconcile takes one job a step further.
func (r *runner) reconcile(ctx context.Context, key cache.ObjectName) error {
	all, err := r.pods.Pods(key.Namespace).List(labels.Everything())
	if err != nil {
		return fmt.Errorf("listing pods of job %s: %w", key, err)
	}
	cached, err := r.jobs.Jobs(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		r.maker.Writes.Forget(key)
		r.released.forget(key)
		return r.letGo(ctx, key, strays(all, key.Name, ""))
	}
	if err != nil {
		return fmt.Errorf("reading job %s: %w", key, err)
	}
	if ptr.Deref(cached.Spec.ManagedBy, ourselves) != ourselves {
		return nil
	}
	if err := r.letGo(ctx, key, strays(all, key.Name, cached.UID)); err != nil {
		return err
	}
	if !r.maker.Writes.Seen(key, cached.UID, all, r.store.LastStoreSyncResourceVersion()) {
		return controller.ErrAgain // acting on a cache older than our writes would make too many
	}
	l, err := r.look(ctx, key, cached.DeepCopy(), all)
	if err != nil {
		return controller.IgnoreGone(err)
	}
	return controller.IgnoreGone(l.step(ctx))
}

// look gathers what a job has.
func (r *runner) look(ctx context.Context, key cache.ObjectName, job *batchv1.Job, all []*corev1.Pod) (*look, error) {
	selector, err := metav1.LabelSelectorAsSelector(job.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("reading the selector of job %s: %w", key, err)
	}
	pods, err := r.maker.Claim(job, selector, func(ctx context.Context) (metav1.Object, error) {
		return r.client.BatchV1().Jobs(job.Namespace).Get(ctx, job.Name, metav1.GetOptions{})
	}).Of(ctx, all)
	if err != nil {
		return nil, err
	}
	r.released.seen(key, pods)
	l := &look{runner: r, Job: job, key: key, now: time.Now(), status: job.Status.DeepCopy()}
	l.sort(pods)
	return l, nil
}
