// Package server is a node's own API, as a kubelet serves it on port 10250:
// what runs here, its logs and figures, and ways into it. API servers pass
// kubectl's logs, exec, attach and port-forward on to it; monitoring reads its
// figures.
//
// It is of floor 2, a part of the node's agent. It knows nothing of how pods
// are run: [Pods] and [Runtime] are what it needs of those who do. Every
// request is authenticated and authorised, /healthz too: the agent's own
// process needs no network to ask it, and others are to say who they are.
package server

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/causeway-access/causeway/internal/node/upkeep"
	"github.com/causeway-access/causeway/internal/podrun"
)

// Pods says what runs on the node. With an empty uid it is the pod that has the
// name now.
type Pods interface {
	// Pods are the node's, with their status as the agent knows it. The caller
	// changes nothing of them.
	Pods() []*corev1.Pod
	// Container is the latest container of that name in a pod, init and
	// ephemeral ones included; podrun.ErrNotFound if there is none.
	Container(namespace, pod string, uid types.UID, container string) (podrun.Container, error)
	// Sandbox is the ID of a pod's place; podrun.ErrNotFound if it has none.
	Sandbox(namespace, pod string, uid types.UID) (string, error)
}

// Runtime is what is needed of a [podrun.Runtime].
type Runtime interface {
	podrun.Streams
	// Wait returns a container's status when it has ended.
	Wait(ctx context.Context, id string) (podrun.Container, error)
	// List returns what there is.
	List(ctx context.Context) ([]podrun.Sandbox, error)
	// Stats says what a sandbox uses now.
	Stats(ctx context.Context, sandbox string) (podrun.Stats, error)
}

// Disk says what of the node's disks is used.
type Disk interface {
	// Disks looks at them.
	Disks(ctx context.Context) (upkeep.Disks, error)
	// Pod is what a pod took when it was last measured, if it was.
	Pod(uid types.UID) (upkeep.PodUse, bool)
}

// Config is what the server stands on. Node, Pods, Runtime, Authenticator and
// Authorizer are needed.
type Config struct {
	// Node is the node's name, about which the authoriser is asked.
	Node    string
	Pods    Pods
	Runtime Runtime
	// LogDir is where the logs of containers are:
	// NAMESPACE_POD_UID/CONTAINER/ATTEMPT.log.
	LogDir string
	// NodeLogs is the directory shown at /logs/; /var/log if empty. Links that
	// lead out of it are not followed.
	NodeLogs string

	Authenticator authenticator.Request
	Authorizer    authorizer.Authorizer

	// Images are the node's, and Dir is where archives of images are put while
	// they are read. Without Images there are none to be shown or changed.
	Images Images
	Dir    string

	// Healthy is asked by /healthz; nil is always healthy.
	Healthy func() error
	// Metrics are shown at /metrics; nil for none.
	Metrics prometheus.Gatherer
	// Usage says what the node uses as a whole. What the kernel says if nil.
	Usage func() (podrun.Stats, error)
	// Disk says what of the node's disks is used; nil if nobody measures it.
	Disk Disk
	// Log takes what goes wrong here; nothing if nil.
	Log *slog.Logger

	// IdleTimeout ends streams over which nothing comes: 4 hours if zero.
	IdleTimeout time.Duration
}

const (
	defaultIdleTimeout = 4 * time.Hour
	// creationTimeout bounds the wait for the streams of a connection.
	creationTimeout = 30 * time.Second
	defaultNodeLogs = "/var/log"
)

// server is the handler's state.
type server struct {
	Config
	rates rates
}

// New makes the handler of a node's API. It is to be served over TLS that asks
// for client certificates.
func New(config Config) http.Handler {
	config.NodeLogs = cmp.Or(config.NodeLogs, defaultNodeLogs)
	config.IdleTimeout = cmp.Or(config.IdleTimeout, defaultIdleTimeout)
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Usage == nil {
		config.Usage = usage
	}
	s := &server{Config: config}
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.Handle(r.pattern, s.guard(r))
	}
	return mux
}
