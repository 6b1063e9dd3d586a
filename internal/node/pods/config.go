package pods

import (
	"context"
	"errors"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/causeway-access/causeway/internal/node/podspec"
	"github.com/causeway-access/causeway/internal/podrun"
)

// Config is what a [Manager] needs.
type Config struct {
	// Client is the node's. It reads pods, services, and the config maps and
	// secrets of the node's pods; it writes the status of pods, deletes pods
	// that have ended, and creates events.
	Client  kubernetes.Interface
	Runtime podrun.Runtime
	Volumes Volumes
	// Node is what pods are told of the machine. Its name chooses the pods.
	Node podspec.Node
	// Dir keeps small files of pods, such as their last words.
	Dir string
	// LogDir has the logs of containers: NAMESPACE_POD_UID/CONTAINER/ATTEMPT.log.
	LogDir string
	// Scheme is the first part of container IDs in the API; causeway if empty.
	Scheme string
	// Services are those of the cluster, which pods are told of. New registers
	// with their factory, so whoever made it starts it after that.
	Services coreinformers.ServiceInformer
	// HostPorts lead from the node to pods that ask for it. Nil means that none do.
	HostPorts HostPorts
	// Restart is the time between two starts of a container that ends, from
	// 10 s to 5 min; Pull that between two attempts to pull an image, the same.
	Restart, Pull BackOff
	// Retry is the time after which a place or volume that could not be made is
	// tried again; from 1 s to 20 s.
	Retry BackOff
	// Look is the time between two looks at whether all sandboxes are there; 10 s.
	Look time.Duration
	Log  *slog.Logger
}

// BackOff is a time that doubles with each failure. The zero value is the
// usual one.
type BackOff struct{ Initial, Max time.Duration }

// or fills in what is not set.
func (b BackOff) or(initial, most time.Duration) BackOff {
	if b.Initial == 0 {
		b.Initial = initial
	}
	if b.Max == 0 {
		b.Max = most
	}
	return b
}

// Volumes are the directories and files that pods bring with them.
type Volumes interface {
	// Mount makes all of a pod's, if they are not there, and returns their
	// paths by name. Its errors are shown to users.
	Mount(ctx context.Context, pod *corev1.Pod) (map[string]string, error)
	// Update tells of a mounted pod that has changed. It does not wait.
	Update(pod *corev1.Pod)
	// Unmount removes them. None is no error.
	Unmount(uid types.UID) error
	// Keep removes those of all other pods.
	Keep(keep func(uid types.UID) bool) error
}

func (c *Config) complete() error {
	if c.Client == nil || c.Runtime == nil || c.Volumes == nil || c.Services == nil || c.Node.Name == "" || c.Dir == "" || c.LogDir == "" {
		return errors.New("a pod manager needs Client, Runtime, Volumes, Services, Node.Name, Dir and LogDir")
	}
	if c.Scheme == "" {
		c.Scheme = "causeway"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Look == 0 {
		c.Look = 10 * time.Second
	}
	c.Restart = c.Restart.or(10*time.Second, 5*time.Minute)
	c.Pull = c.Pull.or(10*time.Second, 5*time.Minute)
	c.Retry = c.Retry.or(time.Second, 20*time.Second)
	return nil
}
