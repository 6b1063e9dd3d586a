package podstreams

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// agentPort is where a node that does not say otherwise serves its agent's API.
const agentPort = 10250

// preferred orders the address types of a node: addresses before names, and
// inner ones before outer ones.
var preferred = [...]corev1.NodeAddressType{
	corev1.NodeInternalIP, corev1.NodeExternalIP, corev1.NodeInternalDNS, corev1.NodeHostName, corev1.NodeExternalDNS,
}

func (s *Streams) pod(ctx context.Context, name string) (*corev1.Pod, error) {
	o, err := s.Pods.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return o.(*corev1.Pod), nil
}

// agent is the URL of a path at a pod's node.
func (s *Streams) agent(ctx context.Context, p *corev1.Pod, query url.Values, path ...string) (*url.URL, error) {
	if s.Reach.TLS == nil {
		return nil, apierrors.NewServiceUnavailable("this server does not reach the agents of nodes")
	}
	o, err := s.Config.Nodes.Get(ctx, p.Spec.NodeName, &metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	host, err := Address(o.(*corev1.Node))
	if err != nil {
		return nil, err
	}
	return &url.URL{Scheme: "https", Host: host, Path: "/" + strings.Join(path, "/"), RawQuery: query.Encode()}, nil
}

// Address returns where the agent of a node is, as HOST:PORT.
func Address(n *corev1.Node) (string, error) {
	port := agentPort
	if p := n.Status.DaemonEndpoints.KubeletEndpoint.Port; p > 0 {
		port = int(p)
	}
	for _, kind := range preferred {
		for _, a := range n.Status.Addresses {
			if a.Type == kind && a.Address != "" {
				return net.JoinHostPort(a.Address, strconv.Itoa(port)), nil
			}
		}
	}
	return "", apierrors.NewServiceUnavailable(fmt.Sprintf("node %q has no address", n.Name))
}

// container checks the name of a container, or finds it if there is no choice.
func container(p *corev1.Pod, name string) (string, error) {
	names, first := containersOf(p), initContainersOf(p)
	if name != "" {
		for _, c := range p.Spec.EphemeralContainers {
			names = append(names, c.Name)
		}
		if slices.Contains(names, name) || slices.Contains(first, name) {
			return name, nil
		}
		return "", apierrors.NewBadRequest(fmt.Sprintf("container %s is not valid for pod %s", name, p.Name))
	}
	if len(names) == 1 {
		return names[0], nil
	}
	text := fmt.Sprintf("a container name must be specified for pod %s, choose one of: %s", p.Name, names)
	if len(first) > 0 {
		text += fmt.Sprintf(" or one of the init containers: %s", first)
	}
	return "", apierrors.NewBadRequest(text)
}

func containersOf(p *corev1.Pod) (names []string) {
	for _, c := range p.Spec.Containers {
		names = append(names, c.Name)
	}
	return names
}

func initContainersOf(p *corev1.Pod) (names []string) {
	for _, c := range p.Spec.InitContainers {
		names = append(names, c.Name)
	}
	return names
}
