// Package ns runs pods with nothing but the kernel: each in namespaces of its
// own, with files laid over an image's, limited by control groups. It is the
// usual runtime on Linux (5.12 or later).
//
// It is of floor 1, a [podrun.Runtime]. It separates pods well enough for
// programs that one trusts; for strangers' programs there are runtimes whose
// only work that is.
//
// A pod is one process, the init process of package pod, and what it has
// started. The kernel ends all namespaces, mounts and interfaces with it, so
// that little can be left behind: a directory and control groups. All that is
// known about a pod lies in that directory, in files that are replaced in one
// step; an agent that starts finds there what its predecessor has done, up to
// the step at which it died. The order of steps is such that before anything
// is made, it is written down where it will be looked for:
//
//	pods/ID/                      the directory is made
//	pods/ID/sandbox.json          from here on List tells of it
//	control groups of that ID
//	the init process              waits for a word; ends if the agent dies before
//	pods/ID/init.json             its number and time of birth
//	the interface                 ends with the process' network
//	the word; "ready"             now it goes on without the agent
//	pods/ID/containers/CID/       container.json by the agent, state.json by init
//
// Removing goes the other way. Directories without sandbox.json, and control
// groups without a directory, are removed at the next start.
package ns

import (
	"net/netip"
	"time"

	"github.com/causeway-access/causeway/internal/conn"
)

// Config says where and how pods run.
type Config struct {
	// Root is the directory of all that is kept, for its owner alone. One
	// process at a time has it. Its path has no colon, comma or backslash.
	Root string
	// PodCIDR is where pods' addresses come from. Its first address is the
	// node's side of all of them.
	PodCIDR netip.Prefix
	// CgroupParent is where control groups are made, below the controllers'
	// roots: causeway if empty.
	CgroupParent string
	// Hidden are directories of the machine that containers of the host image
	// see empty, beside Root: those with the cluster's keys.
	Hidden []string
	// Dial opens connections to registries of images, for an agent whose own
	// network does not lead there. Nil is for the usual one.
	Dial conn.DialFunc `json:"-"`
	// LogMaxSize and LogFiles bound the log of a container: 10 MiB, 5 files.
	LogMaxSize int64
	LogFiles   int
	// Program is run as the init process of pods: it calls [pod.Main]
	// first of all. This program if empty.
	Program string
	// StartTimeout is how long the making of a sandbox may take; 1 minute.
	StartTimeout time.Duration
}
