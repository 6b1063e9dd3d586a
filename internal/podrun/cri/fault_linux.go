package cri

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/causeway-access/causeway/internal/podrun"
)

// remote is what a runtime says, in its words, without gRPC's.
type remote struct {
	message string
	cause   error
}

func (e *remote) Error() string { return e.message }
func (e *remote) Unwrap() error { return e.cause }

// plain takes gRPC's words from an error, and knows what is not found.
func plain(err error) error {
	s, ok := status.FromError(err)
	if err == nil || !ok {
		return err
	}
	if s.Code() == codes.NotFound {
		err = errors.Join(podrun.ErrNotFound, err)
	}
	return &remote{s.Message(), err}
}

func notFound(err error) bool { return errors.Is(err, podrun.ErrNotFound) }

func unimplemented(err error) bool { return status.Code(err) == codes.Unimplemented }

// beginning are parts of what runtimes say when a program cannot be run: CRI
// has no code for it. The first are of runc and crun, then come those that look
// users up.
var beginning = []string{
	"OCI runtime create failed", "OCI runtime exec failed", "container create failed", "unable to start container process",
	"executable file not found", "executable file `",
	"no users found", "no groups found", "unable to find user", "unable to find group", "no command specified",
}

// cannotStart marks such an error as [podrun.ErrCannotStart].
func cannotStart(err error) error {
	if err == nil || !slices.ContainsFunc(beginning, func(part string) bool { return strings.Contains(err.Error(), part) }) {
		return err
	}
	return fmt.Errorf("%w: %w", podrun.ErrCannotStart, err)
}
