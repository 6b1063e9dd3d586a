//go:build linux && host && root

package cri

import (
	"testing"

	"github.com/causeway-access/causeway/internal/podrun"
	"github.com/causeway-access/causeway/internal/podrun/suite"
)

func TestPodsOfContainerdBehaveAsTheSuiteSays(t *testing.T) {
	if !alone(t) {
		return
	}
	r := start(t)
	parent := t // the next one is used after the test of it
	suite.Run(t, suite.Subject{Runtime: r, Image: toolsImage, Again: func(t *testing.T) podrun.Runtime {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		return open(parent)
	}})
}
