// Package register makes a machine a node of the cluster and keeps it one: the
// Node object with its addresses, resources and conditions, the lease by which
// the control plane knows that it lives, and the certificates by which it and
// the API server know each other.
//
// Floor 2, a part of the node's agent: a client of the API only. What the
// control plane expects is in internal/controller/nodelifecycle and nodeipam.
package register

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/kubernetes"
)

// Config says what node this is. The zero value of what is not required is
// useful.
type Config struct {
	// Name is that of the Node object. Required.
	Name string
	// Client speaks as the node, or for it. Required.
	Client kubernetes.Interface
	// Addresses are those by which the cluster reaches the machine, the first
	// being the main one. Required.
	Addresses []netip.Addr
	// Tunnelled says that the cluster cannot reach them: the Node object then has
	// the node's name for its only address, and the condition
	// [tunnel.Condition].
	Tunnelled bool
	// Hostname is the machine's; the operating system's if empty.
	Hostname string
	// Port is that of the node's own API; none is told if zero.
	Port int32
	// Labels are set beside the usual ones.
	Labels map[string]string
	// Runtime names what runs pods and its version, such as containerd://1.7.0;
	// empty while it is not known. nil is never known.
	Runtime func() string
	// Dir is where pods have their files: its file system is the node's
	// ephemeral storage. Empty means the working directory.
	Dir string
	// MaxPods is how many pods may run; 110 if zero.
	MaxPods int64
	// Reserved is kept from pods: allocatable is capacity without it.
	Reserved corev1.ResourceList
	// Missing lists what pods may ask for and this machine cannot do, one
	// sentence each. It is asked at each look and becomes the condition
	// [Limited]. nil means nothing.
	Missing func() []string
	// Scarce says what of a disk there is too little of; empty if nothing. nil
	// means nothing.
	Scarce func() (string, error)
	// Images are those that the node has; nil if that is not known. nil means that
	// nobody knows.
	Images func() []corev1.ContainerImage
	// Ready says why no pod can run now. nil means that one can.
	Ready func() error
	// Log is slog.Default() if nil.
	Log *slog.Logger
}

// Limited is the type of the condition that is true, with an explanation, on a
// machine that cannot do all that pods may ask for.
const Limited corev1.NodeConditionType = "CausewayLimited"

const defaultMaxPods = 110

// Node is this machine as the cluster sees it.
type Node struct {
	cfg     Config
	machine machine

	mu sync.Mutex
	// What the cluster said of the node when last it was asked.
	uid  types.UID
	cidr []string
	// running is false until Run: the node is registered but takes no pods.
	running bool
	// pressed is when each kind of pressure was last seen.
	pressed map[corev1.NodeConditionType]time.Time
}

// New looks at the machine. It does not speak to the cluster.
func New(cfg Config) (*Node, error) {
	if err := cfg.settle(); err != nil {
		return nil, fmt.Errorf("configuring the node: %w", err)
	}
	m, err := lookAtMachine(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("looking at the machine: %w", err)
	}
	return &Node{cfg: cfg, machine: m, pressed: map[corev1.NodeConditionType]time.Time{}}, nil
}

// settle checks cfg and fills in what was left out.
func (cfg *Config) settle() error {
	if wrong := validation.IsDNS1123Subdomain(cfg.Name); len(wrong) > 0 {
		return fmt.Errorf("its name is %q: %s", cfg.Name, strings.Join(wrong, "; "))
	}
	if cfg.Client == nil {
		return errors.New("no client given")
	}
	if len(cfg.Addresses) == 0 {
		return errors.New("no address given: name one by which the cluster can reach this machine")
	}
	if cfg.Hostname == "" {
		name, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("asking for the host name: %w", err)
		}
		cfg.Hostname = strings.ToLower(name)
	}
	if cfg.Dir == "" {
		cfg.Dir = "."
	}
	if cfg.MaxPods == 0 {
		cfg.MaxPods = defaultMaxPods
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return nil
}

// missing is what the machine cannot do.
func (n *Node) missing() []string {
	if n.cfg.Missing == nil {
		return nil
	}
	return n.cfg.Missing()
}

// labels are those that the agent sets; others' are left alone.
func (n *Node) labels() map[string]string {
	labels := map[string]string{
		corev1.LabelHostname:   n.cfg.Name,
		corev1.LabelOSStable:   runtime.GOOS,
		corev1.LabelArchStable: runtime.GOARCH,
	}
	maps.Copy(labels, n.cfg.Labels)
	return labels
}

// Allocatable is what pods may have of the machine.
func (n *Node) Allocatable() corev1.ResourceList {
	free := n.capacity()
	for name, reserved := range n.cfg.Reserved {
		if left, ok := free[name]; ok {
			left.Sub(reserved)
			if left.Sign() < 0 {
				left.Set(0)
			}
			free[name] = left
		}
	}
	return free
}
