//go:build !linux

package volume

import "errors"

func mountTmpfs(string, string) error { return errors.ErrUnsupported }

func unmountBelow(string) error { return nil }
