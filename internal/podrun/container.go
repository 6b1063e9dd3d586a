package podrun

import (
	"syscall"
	"time"
)

// ContainerConfig says what is to run and how.
type ContainerConfig struct {
	Name string
	// Attempt counts the containers of this name in the sandbox.
	Attempt     uint32
	Annotations map[string]string

	// Image is a reference that PullImage has returned, or HostImage.
	Image string
	// Command and Args take the place of the image's entry point and its
	// arguments, as a pod's do.
	Command, Args []string
	// Dir is the working directory; the image's, or /, if empty.
	Dir string
	// Env comes after the image's. Form: NAME=value.
	Env []string

	Mounts    []Mount
	Devices   []string
	Resources Resources
	Security  Security

	// Stdin keeps a stream open for Attach; StdinOnce closes it after the first.
	Stdin, StdinOnce bool
	TTY              bool

	// LogPath is the file for output, in the format of CRI; none if empty.
	// Its directory exists.
	LogPath string
	// StopSignal is sent by StopContainer: the image's or SIGTERM if zero.
	StopSignal syscall.Signal
}

// Mount is a file or directory of the node that a container sees.
type Mount struct {
	// Source is on the node and exists. Target is absolute in the container
	// and is made if missing.
	Source, Target string
	ReadOnly       bool
}

// Security says what a container's processes may do.
type Security struct {
	// User and Group are numbers; nil is the image's, or 0.
	User, Group *int64
	// Groups are supplementary.
	Groups []int64
	// Privileged gives all capabilities, the node's devices, no seccomp.
	Privileged bool
	// AddCapabilities and DropCapabilities change the usual set. Form: NET_ADMIN, or ALL.
	AddCapabilities, DropCapabilities []string
	// ReadOnlyRoot makes all but the mounts read-only.
	ReadOnlyRoot bool
	// NoNewPrivileges keeps set-user-ID programs from giving more rights
	// (allowPrivilegeEscalation: false).
	NoNewPrivileges bool
	// UnconfinedSeccomp turns the default system call filter off.
	UnconfinedSeccomp bool
}

// State is where a container is in its life.
type State string

// The states, in their order.
const (
	Created State = "Created"
	Running State = "Running"
	Exited  State = "Exited"
)

// Reasons why a container has ended, as kubectl users know them.
const (
	ReasonCompleted  = "Completed"
	ReasonError      = "Error"
	ReasonOOMKilled  = "OOMKilled"
	ReasonStartError = "StartError"
	// ReasonUnknown is that of a container whose end nobody saw.
	ReasonUnknown = "ContainerStatusUnknown"
)

// Container is a container as it is now.
type Container struct {
	ID      string
	Sandbox string
	Config  ContainerConfig
	// ImageID is the digest of what Config.Image named when it was made.
	ImageID string
	State   State
	Created time.Time
	// Started and Finished are zero before they are.
	Started, Finished time.Time
	// ExitCode is that of the program, 128 and the signal's number if one
	// ended it; 128 if it could not be started.
	ExitCode int
	// Reason is one of those above when it has ended, Message more to it.
	Reason, Message string
}
