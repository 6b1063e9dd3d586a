package podstreams

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	apiproxy "k8s.io/apiserver/pkg/util/proxy"
)

// methods are those by which streams are asked for: SPDY by POST, WebSocket by
// GET.
var methods = []string{http.MethodGet, http.MethodPost}

// Exec is pods/exec.
type Exec struct{ *Streams }

// Attach is pods/attach.
type Attach struct{ *Streams }

// PortForward is pods/portforward.
type PortForward struct{ *Streams }

var _, _, _ rest.Connecter = Exec{}, Attach{}, PortForward{}

// New implements [rest.Storage].
func (Exec) New() runtime.Object { return &corev1.PodExecOptions{} }

// New implements [rest.Storage].
func (Attach) New() runtime.Object { return &corev1.PodAttachOptions{} }

// New implements [rest.Storage].
func (PortForward) New() runtime.Object { return &corev1.PodPortForwardOptions{} }

// Destroy implements [rest.Storage].
func (Exec) Destroy() {}

// Destroy implements [rest.Storage].
func (Attach) Destroy() {}

// Destroy implements [rest.Storage].
func (PortForward) Destroy() {}

// ConnectMethods implements [rest.Connecter].
func (Exec) ConnectMethods() []string { return methods }

// ConnectMethods implements [rest.Connecter].
func (Attach) ConnectMethods() []string { return methods }

// ConnectMethods implements [rest.Connecter].
func (PortForward) ConnectMethods() []string { return methods }

// NewConnectOptions implements [rest.Connecter].
func (s Exec) NewConnectOptions() (runtime.Object, bool, string) { return s.New(), false, "" }

// NewConnectOptions implements [rest.Connecter].
func (s Attach) NewConnectOptions() (runtime.Object, bool, string) { return s.New(), false, "" }

// NewConnectOptions implements [rest.Connecter].
func (s PortForward) NewConnectOptions() (runtime.Object, bool, string) { return s.New(), false, "" }

// Connect implements [rest.Connecter].
func (s Exec) Connect(ctx context.Context, name string, options runtime.Object, responder rest.Responder) (http.Handler, error) {
	o := options.(*corev1.PodExecOptions)
	streams := apiproxy.Options{Stdin: o.Stdin, Stdout: o.Stdout, Stderr: o.Stderr, Tty: o.TTY}
	query := queryOf(streams)
	query["command"] = o.Command
	return s.enter(ctx, name, "exec", o.Container, query, streams, responder)
}

// Connect implements [rest.Connecter].
func (s Attach) Connect(ctx context.Context, name string, options runtime.Object, responder rest.Responder) (http.Handler, error) {
	o := options.(*corev1.PodAttachOptions)
	streams := apiproxy.Options{Stdin: o.Stdin, Stdout: o.Stdout, Stderr: o.Stderr, Tty: o.TTY}
	return s.enter(ctx, name, "attach", o.Container, queryOf(streams), streams, responder)
}

// Connect implements [rest.Connecter].
func (s PortForward) Connect(ctx context.Context, name string, options runtime.Object, responder rest.Responder) (http.Handler, error) {
	pod, err := s.placed(ctx, name)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	for _, port := range options.(*corev1.PodPortForwardOptions).Ports {
		query.Add("port", strconv.Itoa(int(port)))
	}
	agent, err := s.agent(ctx, pod, query, "portForward", pod.Namespace, pod.Name, string(pod.UID))
	if err != nil {
		return nil, err
	}
	return s.tunnel(agent, responder), nil
}

// queryOf says to the agent which streams are wanted.
func queryOf(o apiproxy.Options) url.Values {
	q := url.Values{}
	for name, wanted := range map[string]bool{"input": o.Stdin, "output": o.Stdout, "error": o.Stderr && !o.Tty, "tty": o.Tty} {
		if wanted {
			q.Set(name, "1")
		}
	}
	return q
}

// enter connects to a container.
func (s *Streams) enter(ctx context.Context, name, verb, of string, query url.Values, streams apiproxy.Options, responder rest.Responder) (http.Handler, error) {
	pod, err := s.pod(ctx, name)
	if err != nil {
		return nil, err
	}
	if phase := pod.Status.Phase; phase == corev1.PodSucceeded || phase == corev1.PodFailed {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("cannot exec into a container in a completed pod; current phase is %s", phase))
	}
	container, err := container(pod, of)
	if err != nil {
		return nil, err
	}
	if pod, err = hosted(pod); err != nil {
		return nil, err
	}
	agent, err := s.agent(ctx, pod, query, verb, pod.Namespace, pod.Name, string(pod.UID), container)
	if err != nil {
		return nil, err
	}
	return s.translate(agent, streams, responder), nil
}

// placed is a pod that has a node.
func (s *Streams) placed(ctx context.Context, name string) (*corev1.Pod, error) {
	pod, err := s.pod(ctx, name)
	if err != nil {
		return nil, err
	}
	return hosted(pod)
}

func hosted(pod *corev1.Pod) (*corev1.Pod, error) {
	if pod.Spec.NodeName == "" {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("pod %s does not have a host assigned", pod.Name))
	}
	return pod, nil
}
