// Package apart runs a node's agent for a user who is not root: in a process and
// namespaces of its own, in which that user is root (package userns). Both ends
// are here, [Agent] and [EndPods] for the program that the user has started, and
// [Main] for the process inside.
//
// The process inside has a network without a way out or in. Out it gets by
// connections that this one makes and passes to it; in, by the node's tunnel, and
// by ports of the machine that this one opens and passes to it.
// It ends with this one, and pods go on, as those of root do: the namespaces are
// kept for them.
//
// A part of the node's agent, floor 2.
package apart

import (
	"net/netip"
	"time"

	"github.com/causeway-access/causeway/internal/node/upkeep"
	"github.com/causeway-access/causeway/internal/svcproxy"
)

// Name is the name by which this program is called as the process inside.
const Name = "causeway-node"

// Settings are those of a node's agent, [node.Config], as they are passed to
// another process: with files in place of what is read from them.
type Settings struct {
	// Name, Addresses, Dir, Hidden, ServiceRanges, Static and ClusterDNS are the
	// agent's.
	Name          string
	Addresses     []netip.Addr
	Dir           string
	Hidden        []string
	ServiceRanges []netip.Prefix
	Static        []*svcproxy.Rule
	ClusterDNS    []netip.Addr
	// PodRange and ServeDNS are, too.
	PodRange netip.Prefix
	ServeDNS bool
	// Upkeep says how much of the disk may be used.
	Upkeep upkeep.Settings
	// Port is that of the node's own API, in its network; 0 is any.
	Port uint16
	// Server is the URL of the API server. It is the one that is spoken to,
	// unless Servers has HOST:PORT of some: then it is whichever of them answers,
	// and of those that the cluster names.
	Server  string
	Servers []string
	// CAFile is the authority of the API servers and of who asks the node, and
	// ClientCert and ClientKey are how the node shows itself. All files are read
	// again when they change.
	CAFile                string
	ClientCert, ClientKey string
	// ServingCert and ServingKey are what the node's own API shows. They may come
	// later.
	ServingCert, ServingKey string
}

// task is what the process inside is told to do.
type task struct {
	// Run has the agent run, until the process is told to end.
	Run *Settings `json:",omitempty"`
	// End has the pods ended.
	End *ending `json:",omitempty"`
	// Debug has everything logged.
	Debug bool
}

type ending struct {
	Dir   string
	Grace time.Duration
}

// Descriptors of the process inside, beside its standard files: the task is its
// standard input, and what it logs, a JSON object a line, its standard error.
const (
	outsideFile = 3 // connections come by it
	readyFile   = 4 // is written to when pods can run
)
