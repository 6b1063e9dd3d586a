package controller

import (
	"errors"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// ErrAgain is what a reconciler returns when it is not done, nothing is wrong,
// and no event will tell it when to go on. The loop tries again with its
// growing delay and logs nothing.
var ErrAgain = errors.New("not done yet")

// expected reports errors that are part of the protocol between writers: a
// cache was behind or another was faster. The retry sees the newer state.
func expected(err error) bool {
	return errors.Is(err, ErrAgain) || apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err)
}

// IgnoreGone is err, or nil if err says that the object, or the namespace it
// was to be written to, is gone or going: then there is nothing left to do.
func IgnoreGone(err error) error {
	if apierrors.IsNotFound(err) || apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return nil
	}
	return err
}
