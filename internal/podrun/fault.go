package podrun

import "errors"

// Errors to be asked for with errors.Is.
var (
	// ErrNotFound: no such sandbox, container or image.
	ErrNotFound = errors.New("not found")
	// ErrNotReady: the sandbox has stopped, or was never complete.
	ErrNotReady = errors.New("sandbox is not ready")
	// ErrNotRunning: the container has not been started, or has ended.
	ErrNotRunning = errors.New("container is not running")
	// ErrCannotStart: the container's program cannot be run: it is not there,
	// its user or working directory is not, or a mount cannot be made.
	ErrCannotStart = errors.New("cannot start")
)
