package nodes

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/remotecommand"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/utils/ptr"
)

const namespace = "default"

// patience is how long one pod may take to come or go.
const patience = 2 * time.Minute

// create makes a pod of the image.
func (c *cluster) create(ctx context.Context, name string, args ...string) error {
	_, err := c.client.CoreV1().Pods(namespace).Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, TerminationGracePeriodSeconds: ptr.To(int64(5)),
			Containers: []corev1.Container{{Name: "main", Image: image, ImagePullPolicy: corev1.PullNever, Args: args}},
		},
	}, metav1.CreateOptions{})
	return err
}

// ahead is how many events wait for who measures: many pods are made before their
// events are looked at.
const ahead = 1 << 14

// podEvents are read at once and looked at later. An API server ends a watch that
// falls behind, as one may while a hundred pods change on a busy machine; it goes
// on a second later from where it was.
type podEvents struct {
	watch.Interface
	read chan watch.Event
}

// events are those of all pods from now on.
func (c *cluster) events(ctx context.Context) (podEvents, error) {
	list, err := c.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return podEvents{}, err
	}
	w, err := watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: c.client.CoreV1().Pods(namespace).Watch,
	})
	if err != nil {
		return podEvents{}, err
	}
	read := make(chan watch.Event, ahead)
	go func() {
		defer close(read)
		for event := range w.ResultChan() {
			read <- event
		}
	}()
	return podEvents{w, read}, nil
}

// until reads events until enough pods are as wanted, and returns the last.
func until(w podEvents, enough int, wanted func(watch.Event, *corev1.Pod) bool) (last *corev1.Pod, err error) {
	end := time.NewTimer(patience)
	defer end.Stop()
	seen := map[string]bool{}
	for {
		select {
		case event, ok := <-w.read:
			pod, isPod := event.Object.(*corev1.Pod)
			if !ok || !isPod {
				return nil, fmt.Errorf("the watch of pods ended: %v", event)
			}
			if wanted(event, pod) {
				last, seen[pod.Name] = pod, true
			}
			if len(seen) >= enough {
				return last, nil
			}
		case <-end.C:
			return nil, fmt.Errorf("after %s %d of %d pods are as they should be", patience, len(seen), enough)
		}
	}
}

func runs(_ watch.Event, pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodRunning }

func succeeded(_ watch.Event, pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodSucceeded }

func isGone(event watch.Event, _ *corev1.Pod) bool { return event.Type == watch.Deleted }

// answers waits for a pod's first answer.
func answers(ctx context.Context, pod *corev1.Pod) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(pod.Status.PodIP, "8080"), nil)
		if err != nil {
			return err
		}
		answer, err := client.Do(request)
		if err == nil {
			return answer.Body.Close()
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the pod does not answer: %w", err)
		}
		time.Sleep(time.Millisecond) // nobody listens yet
	}
}

// exec runs a command that does nothing in a pod.
func (c *cluster) exec(ctx context.Context, pod string) error {
	target := c.client.CoreV1().RESTClient().Post().Namespace(namespace).Resource("pods").Name(pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Command: []string{"/pod", "true"}, Stdout: true}, scheme.ParameterCodec).URL()
	e, err := remotecommand.NewWebSocketExecutor(c.config, http.MethodGet, target.String())
	if err != nil {
		return err
	}
	return e.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: io.Discard})
}
