package fault

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// StatusClientClosedRequest is what is accounted for a request whose client
// went away before there was an answer (the number is nginx's).
const StatusClientClosedRequest = 499

// kinds holds the HTTP status and the reason word of each kind.
var kinds = [...]struct {
	code   int32
	reason metav1.StatusReason
}{
	Internal:         {http.StatusInternalServerError, metav1.StatusReasonInternalError},
	BadRequest:       {http.StatusBadRequest, metav1.StatusReasonBadRequest},
	Unauthorized:     {http.StatusUnauthorized, metav1.StatusReasonUnauthorized},
	Forbidden:        {http.StatusForbidden, metav1.StatusReasonForbidden},
	NotFound:         {http.StatusNotFound, metav1.StatusReasonNotFound},
	MethodNotAllowed: {http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed},
	BadGateway:       {http.StatusBadGateway, "BadGateway"},
	Unavailable:      {http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable},
	TooMany:          {http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests},
	Canceled:         {StatusClientClosedRequest, metav1.StatusReasonUnknown},
}

// Missing returns the NotFound fault of an object: services "x" not found.
func Missing(op, resource, name string) *Error {
	return &Error{
		Kind:    NotFound,
		Op:      op,
		Message: resource + " " + strconv.Quote(name) + " not found",
		Details: &metav1.StatusDetails{Name: name, Kind: resource},
	}
}

// Status returns the body that the client gets. It makes *Error one of the
// API's status errors, so that every library of Kubernetes can answer it.
func (e *Error) Status() metav1.Status {
	k := kinds[e.Kind]
	return metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure,
		Code:     k.code,
		Reason:   k.reason,
		Message:  e.Message,
		Details:  e.Details,
	}
}

// Status returns the body for any error: that of the fault or the API status
// it wraps; else an internal error that does not tell its cause to the client.
func Status(err error) *metav1.Status {
	var known interface{ Status() metav1.Status }
	if errors.As(err, &known) {
		status := known.Status()
		return &status
	}
	status := New(Internal, "", "Internal error occurred").Status()
	return &status
}

// HTTPStatus returns the status code for any error; 200 for nil.
func HTTPStatus(err error) int {
	if err == nil {
		return http.StatusOK
	}
	return int(Status(err).Code)
}

func contains(text, part string) bool { return strings.Contains(text, part) }
