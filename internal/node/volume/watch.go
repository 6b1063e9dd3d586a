package volume

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"
)

const (
	// retryFirst and retryLast bound the time between attempts.
	retryFirst = time.Second
	retryLast  = time.Minute
	// watchLife is how long one watch lasts, a little different for each. After
	// it the object is read again.
	watchLife = 5 * time.Minute
)

// errUnread is that of an object which its watch has not reported yet.
var errUnread = errors.New("not read yet")

// watch follows one object until ctx ends.
func (o *objects) watch(ctx context.Context, k key) {
	for pause := retryFirst; ; {
		err := o.watchOnce(ctx, k)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			pause = retryFirst
		} else {
			o.log.Debug("An object of a volume cannot be followed, will try again", "object", k.String(), "error", err)
			pause = min(2*pause, retryLast)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause/2 + rand.N(pause/2)):
		}
	}
}

// watchOnce reads the object and tells of changes for as long as the API
// server lets a watch last.
func (o *objects) watchOnce(ctx context.Context, k key) error {
	// A node may read a list of what has one name.
	options := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", k.name).String()}
	now, err := k.list(ctx, o.client, options)
	if err != nil {
		return err
	}
	o.note(k, now)
	options.ResourceVersion = now.version
	options.TimeoutSeconds = ptr.To(int64((watchLife + rand.N(watchLife)).Seconds()))
	w, err := k.watch(ctx, o.client, options)
	if err != nil {
		return err
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		if err := o.event(k, event); err != nil {
			return err
		}
	}
	return nil
}

func (o *objects) event(k key, event watch.Event) error {
	switch event.Type {
	case watch.Added, watch.Modified:
		now, err := read(event.Object)
		if err != nil {
			return err
		}
		o.note(k, now)
	case watch.Deleted:
		version, err := versionOf(event.Object)
		if err != nil {
			return err
		}
		o.note(k, object{version: version})
	case watch.Error:
		return apierrors.FromObject(event.Object)
	}
	return nil
}

func versionOf(obj runtime.Object) (string, error) {
	m, ok := obj.(metav1.Object)
	if !ok {
		return "", fmt.Errorf("the API server sent a %T", obj)
	}
	return m.GetResourceVersion(), nil
}
