//go:build !linux

package server

import (
	"errors"

	"github.com/causeway-access/causeway/internal/podrun"
)

// usage is not known here.
func usage() (podrun.Stats, error) { return podrun.Stats{}, errors.ErrUnsupported }
