// Package version says which Causeway this is and which Kubernetes it speaks.
// `go run`, `go install` and a release build give the same answer, without
// linker flags.
//
// Floor F0: it imports none of our packages.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	utilversion "k8s.io/apimachinery/pkg/util/version"
	apiversion "k8s.io/apimachinery/pkg/version"
)

// release is the Kubernetes release whose libraries this program is made of:
// modules k8s.io/* v0.x.y are Kubernetes v1.x.y. It is a constant because not
// every binary lists its modules (tests do not); a test holds it to go.mod.
const release = "v1.37.2"

// Info describes this build of Causeway.
type Info struct {
	// Version is the module version, or "(devel)" for a build of a work tree.
	Version string `json:"version"`
	// Commit is the revision built from; "-dirty" follows if files differed.
	Commit string `json:"commit,omitempty"`
	// Date is the time of that revision (RFC 3339).
	Date string `json:"date,omitempty"`
	// Go is the toolchain, Platform the operating system and architecture.
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Causeway returns the version of this program, from what the Go tool wrote
// into the binary.
func Causeway() Info {
	info := Info{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	if build.Main.Version != "" {
		info.Version = build.Main.Version
	}
	modified := false
	for _, s := range build.Settings {
		switch s.Key {
		case "vcs.revision":
			info.Commit = s.Value
		case "vcs.time":
			info.Date = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	if modified && info.Commit != "" {
		info.Commit += "-dirty"
	}
	return info
}

// Kubernetes returns the version of the Kubernetes API that this program
// serves and speaks, in the form that clients parse.
func Kubernetes() apiversion.Info {
	causeway := Causeway()
	number := utilversion.MustParseSemantic(release)
	date := causeway.Date
	if date == "" {
		date = "1970-01-01T00:00:00Z" // what Kubernetes itself says when it does not know
	}
	state := "clean"
	if strings.HasSuffix(causeway.Commit, "-dirty") {
		state = "dirty"
	}
	return apiversion.Info{
		Major:        fmt.Sprint(number.Major()),
		Minor:        fmt.Sprint(number.Minor()),
		GitVersion:   release,
		GitCommit:    strings.TrimSuffix(causeway.Commit, "-dirty"),
		GitTreeState: state,
		BuildDate:    date,
		GoVersion:    runtime.Version(),
		Compiler:     runtime.Compiler,
		Platform:     causeway.Platform,
	}
}
