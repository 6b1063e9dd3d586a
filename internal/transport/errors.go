package transport

import "errors"

// DialError says that no connection was made: nothing was sent.
type DialError struct{ Err error }

func (e *DialError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *DialError) Unwrap() error { return e.Err }

// LostError says that the connection ended before a byte of a response came.
type LostError struct {
	// Reused is set for a connection that had served another request before:
	// the backend may merely have grown tired of it.
	Reused bool
	// Unsent is set if not a byte of the request was sent: it may be tried
	// again, whatever its method.
	Unsent bool
	// Frozen is set if the wait was given up by Abandon.
	Frozen bool
	Err    error
}

func (e *LostError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *LostError) Unwrap() error { return e.Err }

// BadError says that what came back is not an HTTP response.
type BadError struct{ Err error }

func (e *BadError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *BadError) Unwrap() error { return e.Err }

// InvalidError says that the request cannot be written such that a backend
// reads what was meant. Nothing was sent.
type InvalidError struct{ Err error }

func (e *InvalidError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *InvalidError) Unwrap() error { return e.Err }

// DeniedError says that an address must not be dialled.
type DeniedError struct {
	// Address is what was asked for, Why the rule that forbids it.
	Address, Why string
}

func (e *DeniedError) Error() string {
	return "address not allowed: " + e.Address + " is " + e.Why
}

var (
	// errStale is met on a kept connection that ended, or that holds bytes
	// nobody asked for, before anything was written to it.
	errStale = errors.New("the connection was not usable any more")
	// errFrozen is the cause of what Abandon ends.
	errFrozen = errors.New("the endpoint accepts connections but does not answer")
	errHung   = errors.New("the backend closed the connection without an answer")
	errClosed = errors.New("the response was closed before its end")
)
