//go:build !linux

package server

import (
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/causeway-access/causeway/internal/podrun"
)

// usage is not known here.
func usage() (podrun.Stats, error) { return podrun.Stats{}, errors.ErrUnsupported }

// booted is not known here.
func booted() *metav1.Time { return nil }
