package podstreams

import (
	"context"
	"net/url"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericrest "k8s.io/apiserver/pkg/registry/generic/rest"
	"k8s.io/apiserver/pkg/registry/rest"
)

// Log is pods/log.
type Log struct{ *Streams }

var (
	_ rest.GetterWithOptions = Log{}
	_ rest.StorageMetadata   = Log{}
)

// New implements [rest.Storage].
func (Log) New() runtime.Object { return &corev1.Pod{} }

// Destroy implements [rest.Storage].
func (Log) Destroy() {}

// ProducesMIMETypes implements [rest.StorageMetadata]: the log is no object.
func (Log) ProducesMIMETypes(string) []string { return []string{"text/plain"} }

// ProducesObject implements [rest.StorageMetadata].
func (Log) ProducesObject(string) any { return "" }

// NewGetOptions implements [rest.GetterWithOptions].
func (Log) NewGetOptions() (runtime.Object, bool, string) { return &corev1.PodLogOptions{}, false, "" }

// Get implements [rest.GetterWithOptions]. What it returns is streamed. A pod
// that has no node yet has an empty log.
func (s Log) Get(ctx context.Context, name string, options runtime.Object) (runtime.Object, error) {
	o := options.(*corev1.PodLogOptions)
	if errs := validateLog(o); len(errs) > 0 {
		return nil, apierrors.NewInvalid(corev1.SchemeGroupVersion.WithKind("PodLogOptions").GroupKind(), name, errs)
	}
	pod, err := s.pod(ctx, name)
	if err != nil {
		return nil, err
	}
	container, err := container(pod, o.Container)
	if err != nil {
		return nil, err
	}
	log := &genericrest.LocationStreamer{
		Transport: s.plain, ContentType: "text/plain", Flush: o.Follow,
		ResponseChecker: genericrest.NewGenericHttpResponseChecker(schema.GroupResource{Resource: "pods/log"}, name),
		RedirectChecker: genericrest.PreventRedirects,
	}
	if o.InsecureSkipTLSVerifyBackend {
		log.Transport = s.unverified
	}
	if pod.Spec.NodeName != "" {
		log.Location, err = s.agent(ctx, pod, logQuery(o), "containerLogs", pod.Namespace, pod.Name, container)
	}
	return log, err
}

// logQuery says to the agent what was said to us.
func logQuery(o *corev1.PodLogOptions) url.Values {
	q := url.Values{}
	for name, wanted := range map[string]bool{"follow": o.Follow, "previous": o.Previous, "timestamps": o.Timestamps} {
		if wanted {
			q.Set(name, "true")
		}
	}
	for name, n := range map[string]*int64{"sinceSeconds": o.SinceSeconds, "tailLines": o.TailLines, "limitBytes": o.LimitBytes} {
		if n != nil {
			q.Set(name, strconv.FormatInt(*n, 10))
		}
	}
	if o.SinceTime != nil {
		q.Set("sinceTime", o.SinceTime.Format(time.RFC3339))
	}
	if o.Stream != nil && *o.Stream != corev1.LogStreamAll {
		q.Set("stream", *o.Stream)
	}
	return q
}

func validateLog(o *corev1.PodLogOptions) (errs field.ErrorList) {
	least := func(name string, n *int64, least int64, text string) {
		if n != nil && *n < least {
			errs = append(errs, field.Invalid(field.NewPath(name), *n, text))
		}
	}
	least("tailLines", o.TailLines, 0, "must be greater than or equal to 0")
	least("limitBytes", o.LimitBytes, 1, "must be greater than 0")
	least("sinceSeconds", o.SinceSeconds, 1, "must be greater than 0")
	if o.SinceSeconds != nil && o.SinceTime != nil {
		errs = append(errs, field.Forbidden(field.NewPath(""), "at most one of `sinceTime` or `sinceSeconds` may be specified"))
	}
	if o.Stream != nil {
		switch *o.Stream {
		case corev1.LogStreamAll, corev1.LogStreamStdout, corev1.LogStreamStderr:
		default:
			errs = append(errs, field.NotSupported(field.NewPath("stream"), *o.Stream,
				[]string{corev1.LogStreamAll, corev1.LogStreamStdout, corev1.LogStreamStderr}))
		}
	}
	return errs
}
