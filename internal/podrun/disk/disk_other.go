//go:build !linux

package disk

import (
	"context"
	"errors"
)

// At is made for Linux alone, where pods are run.
func At(string) (Space, error) { return Space{}, errors.ErrUnsupported }

// Of is made for Linux alone, where pods are run.
func Of(context.Context, string) (Use, error) { return Use{}, errors.ErrUnsupported }
