// Package fault is the one error type of the access path: a kind, the
// operation that failed, words for the client and the cause.
//
// A fault is made where the failure is understood and answered once, at the
// top, as an HTTP status with a metav1.Status body in the API's own words.
// What is not a fault counts as internal. Floor F0.
package fault

import (
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Kind classifies a fault by what the caller can do about it.
type Kind uint8

// The kinds. Internal is the zero value, so that an error of no known kind is
// never taken for the client's mistake.
const (
	Internal         Kind = iota // our own failure: 500
	BadRequest                   // the request cannot be understood or is refused as it stands: 400
	Unauthorized                 // nobody knows who asks: 401
	Forbidden                    // he may not: 403
	NotFound                     // there is no such object: 404
	MethodNotAllowed             // no such method here: 405
	BadGateway                   // the backend answered what is not an answer: 502
	Unavailable                  // nothing answers now: 503
	TooMany                      // the caller has too much under way: 429
	Canceled                     // the client went away; nobody reads the answer: 499
)

// Error is a failure on the access path.
type Error struct {
	// Kind decides the HTTP status.
	Kind Kind
	// Op is the operation that failed, "catalog.Resolve". It goes to the log,
	// never to the client.
	Op string
	// Message is what the client reads.
	Message string
	// Details name the object concerned, if there is one.
	Details *metav1.StatusDetails
	// Err is the cause; nil if the fault begins here. It goes to the log.
	Err error
}

// New returns a fault without a cause.
func New(kind Kind, op, message string) *Error {
	return &Error{Kind: kind, Op: op, Message: message}
}

// Wrap returns a fault caused by err.
func Wrap(kind Kind, op, message string, err error) *Error {
	return &Error{Kind: kind, Op: op, Message: message, Err: err}
}

// Error prints the operation, the message and the cause if the message does
// not hold its words already.
func (e *Error) Error() string {
	text := e.Op + ": " + e.Message
	if e.Err != nil && !contains(e.Message, e.Err.Error()) {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether err is, or wraps, a fault of this kind.
func Is(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}
