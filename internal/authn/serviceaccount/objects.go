package serviceaccount

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
)

// Objects reads what tokens are bound to. IsNotFound errors mean that there is
// no such object.
type Objects interface {
	ServiceAccount(ctx context.Context, namespace, name string) (*corev1.ServiceAccount, error)
	Pod(ctx context.Context, namespace, name string) (*corev1.Pod, error)
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
	Node(ctx context.Context, name string) (*corev1.Node, error)
}

// FromCluster reads from watched copies. What they do not have yet, such as an
// account made a moment ago, is asked of the API, and so are Secrets always: a
// copy of all of them in memory would be large and is not needed here.
func FromCluster(client kubernetes.Interface, factory informers.SharedInformerFactory) Objects {
	core := factory.Core().V1()
	return &cluster{
		client:   client,
		accounts: core.ServiceAccounts().Lister(),
		pods:     core.Pods().Lister(),
		nodes:    core.Nodes().Lister(),
	}
}

type cluster struct {
	client   kubernetes.Interface
	accounts corelisters.ServiceAccountLister
	pods     corelisters.PodLister
	nodes    corelisters.NodeLister
}

func (c *cluster) ServiceAccount(ctx context.Context, namespace, name string) (*corev1.ServiceAccount, error) {
	if found, err := c.accounts.ServiceAccounts(namespace).Get(name); !apierrors.IsNotFound(err) {
		return found, err
	}
	return c.client.CoreV1().ServiceAccounts(namespace).Get(ctx, name, metav1.GetOptions{})
}

func (c *cluster) Pod(ctx context.Context, namespace, name string) (*corev1.Pod, error) {
	if found, err := c.pods.Pods(namespace).Get(name); !apierrors.IsNotFound(err) {
		return found, err
	}
	return c.client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
}

func (c *cluster) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	return c.client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
}

func (c *cluster) Node(ctx context.Context, name string) (*corev1.Node, error) {
	if found, err := c.nodes.Get(name); !apierrors.IsNotFound(err) {
		return found, err
	}
	return c.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
}
