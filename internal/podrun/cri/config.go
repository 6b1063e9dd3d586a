// Package cri runs pods by containerd, CRI-O or another runtime that speaks
// the Container Runtime Interface, version 1, on a socket of this machine.
//
// It is of floor 1, a [podrun.Runtime]. The runtime remembers: what an agent
// has to know again after its restart and CRI does not tell is kept as an
// annotation of the sandbox and the container. Beside it there are the hosts
// files of pods, in Root, and a control group for each pod, which limits all of
// its containers together.
//
// What CRI cannot do as well as package ns:
//
//   - The image host is not available, and images are imported for containerd
//     alone, by its program ctr.
//   - A command whose output other processes hold open ends when they do.
//   - The end of a stop's grace comes with the agent: if it dies meanwhile, the
//     next one calls StopContainer again.
//   - Where nobody listens, the first Read of a connection says so, not Dial.
//   - An image of several names loses all with containerd if one is removed.
package cri

import (
	"net/netip"
	"time"
)

// Config says which runtime runs pods, and where what is kept beside it.
type Config struct {
	// Endpoint is the runtime's socket: unix:///run/containerd/containerd.sock,
	// or the path alone.
	Endpoint string
	// Root is a directory for its owner alone. One process at a time has it.
	Root string
	// PodCIDR is where pods' addresses come from. Its first address is the
	// node's side of all of them.
	PodCIDR netip.Prefix
	// CNIDir is where the runtime looks for the network's configuration
	// (/etc/cni/net.d mostly), and where ours is written if PodCIDR is given.
	// If it is empty somebody else configures pods' network.
	CNIDir string
	// CgroupParent is where control groups are made, below the controllers'
	// roots, for this Root alone: one named after it if empty.
	CgroupParent string
	// LogDir is a directory below which all logs of containers are; / if empty.
	LogDir string
	// LogMaxSize and LogFiles bound the log of a container: 10 MiB, 5 files.
	LogMaxSize int64
	LogFiles   int
	// Ctr is the program that imports images into containerd; ctr if empty.
	Ctr string
	// ReadyTimeout is how long New waits for the runtime and its network; 1 minute.
	ReadyTimeout time.Duration
}
