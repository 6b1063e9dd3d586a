//go:build linux

package wire

import (
	"net/netip"
	"path"
	"time"

	"github.com/causeway-access/causeway/internal/podrun"
)

// Setup is what the init process is told first, over a pipe. It waits for it,
// and ends if the pipe closes before: then the agent has died.
type Setup struct {
	Hostname string
	// Address and Gateway are of eth0; invalid with the node's network.
	Address, Gateway netip.Addr
	Sysctls          map[string]string
	// CgroupMount and CgroupParent are where control groups are made; Cgroup is
	// the pod's below them. In it are Home, of the init process, and Crowd,
	// with one for each container, by ID.
	CgroupMount, CgroupParent, Cgroup string
}

// Home is the control group of a pod's init process, below the pod's.
const Home = "init"

// Crowd is the one above those of a pod's containers, below the pod's. The pod's
// limits are there: they must not keep the init process, which ends what is too
// much, from doing so, nor have the kernel end it for the memory of others.
const Crowd = "containers"

// ContainerGroup is the control group of a container, below the pod's.
func ContainerGroup(id string) string { return path.Join(Crowd, id) }

// Operations that a Request may ask for.
const (
	// OpStart runs a container. Files: one mount for each of Container.Mounts.
	OpStart = "start"
	// OpStop ends a container within Grace.
	OpStop = "stop"
	// OpWait answers when a container has ended.
	OpWait = "wait"
	// OpExec runs a command in a container. Files: stdin, stdout, stderr, as
	// many as Command.Streams names.
	OpExec = "exec"
	// OpAttach joins a container's streams. Files as for OpExec.
	OpAttach = "attach"
	// OpDial connects to Port and sends the connection back.
	OpDial = "dial"
	// OpResize, on a connection of OpExec or OpAttach, tells the terminal's size.
	OpResize = "resize"
)

// Request is what the agent asks for.
type Request struct {
	Op string
	// ID is the container's.
	ID        string
	Container *Container
	Command   *Command
	Grace     time.Duration
	Port      uint16
	Size      podrun.TerminalSize
}

// Response is the answer.
type Response struct {
	// Error is empty if it went well. CannotStart and NotRunning say its kind.
	Error                   string
	CannotStart, NotRunning bool
	// Exit is the status of a command.
	Exit int
}

// Container is all that is needed to run one, with nothing left to look up
// but what only its own files say.
type Container struct {
	// Dir holds upper, work and root, where the container's files come together.
	Dir string
	// Lower is the image's root directory.
	Lower string
	// Hidden are directories of the host image that stay empty.
	Hidden []string
	// Files are the pod's resolv.conf, hosts and hostname on the node.
	Files []podrun.Mount
	// HostPID shows the node's processes in /proc.
	HostPID bool

	Args []string
	Env  []string
	// WorkingDir is made if it is missing.
	WorkingDir string
	// User is "name", "1000", or either with ":group".
	User   string
	Config podrun.ContainerConfig
	// LogMaxSize and LogFiles bound the log.
	LogMaxSize int64
	LogFiles   int
}

// State is what the init process writes of a container, in its directory.
type State struct {
	State             podrun.State
	Started, Finished time.Time
	ExitCode          int
	Reason, Message   string
}

// Command is what is run beside a container's program.
type Command struct {
	Args []string
	TTY  bool
	// Stdin, Stdout and Stderr say which files come along.
	Stdin, Stdout, Stderr bool
}
