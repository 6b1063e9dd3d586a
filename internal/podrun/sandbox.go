package podrun

import (
	"net/netip"
	"time"
)

// SandboxConfig says how a pod's place is to be. It is kept and given back by
// List, so that an agent knows its pods again.
type SandboxConfig struct {
	// Namespace, Name and UID are the pod's, Attempt counts its sandboxes.
	Namespace, Name, UID string
	Attempt              uint32
	// Annotations are the agent's own notes; the runtime only keeps them.
	Annotations map[string]string

	// Hostname is the pod's host name; its name if empty.
	Hostname string
	// HostNetwork shares the node's network: no address, no interface.
	HostNetwork bool
	// HostIPC and HostPID share the node's.
	HostIPC, HostPID bool
	// Privileged says that it may be asked to run privileged containers, which
	// some runtimes have to know beforehand.
	Privileged bool
	DNS        DNS
	// HostAliases are further lines of /etc/hosts.
	HostAliases []HostAlias
	// Sysctls are set in the pod's network and IPC namespaces.
	Sysctls map[string]string
	// Resources limit all containers together.
	Resources Resources
}

// DNS becomes /etc/resolv.conf.
type DNS struct {
	Servers  []netip.Addr
	Searches []string
	Options  []string
}

// HostAlias is one line of /etc/hosts.
type HostAlias struct {
	IP    netip.Addr
	Names []string
}

// Sandbox is a pod's place as it is now.
type Sandbox struct {
	ID      string
	Config  SandboxConfig
	Created time.Time
	// Ready is false before all of it is there, and as soon as any of it is
	// gone. A sandbox that is not ready does not become so again.
	Ready bool
	// IPs are the pod's addresses; none with HostNetwork.
	IPs []netip.Addr
	// Containers in the order of their making.
	Containers []Container
}

// Resources are limits and shares. What is zero is not limited.
type Resources struct {
	// MilliCPU is the limit in thousandths of a processor.
	MilliCPU int64
	// CPUShares is the weight against others, 1024 for one processor asked for.
	CPUShares int64
	// Memory is the limit in bytes, swap included.
	Memory int64
	// Processes is the limit of processes and threads.
	Processes int64
}
