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

// DeniedError says that an address must not be dialled.
type DeniedError struct {
	// Address is what was asked for, Why the rule that forbids it.
	Address, Why string
}

func (e *DeniedError) Error() string {
	return "address not allowed: " + e.Address + " is " + e.Why
}

// sorted tells the kinds of failure of a round trip apart.
func sorted(err error, x *exchange) error {
	var dial *DialError
	switch {
	case errors.As(err, &dial):
		return dial
	case x.answered.Load():
		return &BadError{Err: err}
	default:
		return &LostError{Reused: x.reused.Load(), Err: err}
	}
}
