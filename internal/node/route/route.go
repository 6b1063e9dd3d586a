// Package route leads what is sent to the pods of other nodes to those nodes:
// each agent keeps a route to the range of each other node, by that node's
// address, which must be a neighbour's on one of this machine's networks. No
// packet is wrapped into another. Floor 2, a part of the node's agent.
//
// Routes are marked as ours (protocol [protocol]) and outlive the agent, as pods
// do; the next one puts them right. A node writes its own address, and when it
// is made also its own range, so a range that is not of the pods', is this
// node's own, or overlaps an older node's is not believed.
package route

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	coreinformers "k8s.io/client-go/informers/core/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/causeway-access/causeway/internal/tunnel"
)

// Config says whose routes are kept. All but Log is required.
type Config struct {
	// Node is this node's name, and Own the range of its pods.
	Node string
	Own  netip.Prefix
	// Range is that of all pods.
	Range netip.Prefix
	// Nodes are all nodes.
	Nodes coreinformers.NodeInformer
	// Log is slog.Default() if nil.
	Log *slog.Logger
}

// again is when routes are looked at without a change of the nodes: a network
// that was down may be up.
const again = 30 * time.Second

// Keeper keeps the routes.
type Keeper struct {
	cfg     Config
	nodes   corelisters.NodeLister
	synced  cache.InformerSynced
	changed chan struct{}

	mu     sync.Mutex
	failed []string
}

// way is a route: to what, by which neighbour.
type way struct {
	to   netip.Prefix
	by   netip.Addr
	node string
}

// New registers with the informer, so whoever made its factory starts it after
// that.
func New(cfg Config) (*Keeper, error) {
	if cfg.Node == "" || cfg.Nodes == nil || !cfg.Own.IsValid() || !cfg.Range.IsValid() {
		return nil, errors.New("configuring routes: a node, its range, that of all pods, and the nodes are required")
	}
	cfg.Log = cmp.Or(cfg.Log, slog.Default())
	k := &Keeper{cfg: cfg, nodes: cfg.Nodes.Lister(), changed: make(chan struct{}, 1)}
	note := func(any) {
		select {
		case k.changed <- struct{}{}:
		default: // there is to be a look already
		}
	}
	registration, err := cfg.Nodes.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: note, UpdateFunc: func(old, new any) {
			if differ(old, new) {
				note(new)
			}
		}, DeleteFunc: note,
	})
	if err != nil {
		return nil, fmt.Errorf("watching nodes for their routes: %w", err)
	}
	k.synced = registration.HasSynced
	return k, nil
}

// differ tells changes that matter here: a node's status is written often.
func differ(old, new any) bool {
	a, isA := old.(*corev1.Node)
	b, isB := new.(*corev1.Node)
	return !isA || !isB || a.Spec.PodCIDR != b.Spec.PodCIDR || tunnel.Needed(a) != tunnel.Needed(b) || !slices.Equal(a.Status.Addresses, b.Status.Addresses)
}

// Run keeps the routes until ctx ends, and leaves them then.
func (k *Keeper) Run(ctx context.Context) error {
	if !cache.WaitForCacheSync(ctx.Done(), k.synced) {
		return nil
	}
	ticker := time.NewTicker(again)
	defer ticker.Stop()
	for {
		k.round()
		select {
		case <-ctx.Done():
			return nil
		case <-k.changed:
		case <-ticker.C:
		}
	}
}

func (k *Keeper) round() {
	all, err := k.nodes.List(labels.Everything())
	if err != nil {
		return // a cache has no errors
	}
	wanted, refused := k.cfg.ways(all)
	failed := append(refused, apply(k.cfg.Range, wanted)...)
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Equal(failed, k.failed) && len(failed) > 0 {
		k.cfg.Log.Warn("Pods of other nodes are not reached", "reason", strings.Join(failed, "; "))
	}
	k.failed = failed
}

// Missing says which nodes' pods are not reached, one sentence each.
func (k *Keeper) Missing() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.failed)
}

// ways are the routes that there should be, and what was not believed.
func (cfg Config) ways(nodes []*corev1.Node) (wanted []way, refused []string) {
	nodes = slices.Clone(nodes)
	slices.SortFunc(nodes, func(a, b *corev1.Node) int { // older ones first
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), strings.Compare(a.Name, b.Name))
	})
	for _, node := range nodes {
		if node.Name == cfg.Node || node.Spec.PodCIDR == "" || tunnel.Needed(node) {
			continue // what has a tunnel is reached by others than us
		}
		w, why := cfg.way(node)
		if why == "" {
			if i := slices.IndexFunc(wanted, func(o way) bool { return o.to.Overlaps(w.to) }); i >= 0 {
				why = fmt.Sprintf("its range %s overlaps that of node %s", w.to, wanted[i].node)
			}
		}
		if why != "" {
			refused = append(refused, fmt.Sprintf("no route to the pods of node %s: %s", node.Name, why))
			continue
		}
		wanted = append(wanted, w)
	}
	return wanted, refused
}

func (cfg Config) way(node *corev1.Node) (w way, why string) {
	to, err := netip.ParsePrefix(node.Spec.PodCIDR)
	switch {
	case err != nil:
		return way{}, err.Error()
	case to.Bits() < cfg.Range.Bits() || !cfg.Range.Contains(to.Addr()):
		return way{}, fmt.Sprintf("its range %s is not in that of pods, %s", to, cfg.Range)
	case to.Overlaps(cfg.Own):
		return way{}, fmt.Sprintf("its range %s overlaps this node's", to)
	}
	for _, a := range node.Status.Addresses {
		by, err := netip.ParseAddr(a.Address)
		if a.Type == corev1.NodeInternalIP && err == nil && by.Is4() == to.Addr().Is4() && by.IsGlobalUnicast() {
			return way{to: to.Masked(), by: by, node: node.Name}, ""
		}
	}
	return way{}, "it has no internal address of the same family"
}
