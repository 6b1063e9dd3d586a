// Package setting has Go's HTTP/2 servers offer extended CONNECT (RFC 8441).
//
// Both of them, net/http's and that of golang.org/x/net/http2, offer it only
// if GODEBUG holds http2xconnect=1 when their packages are initialised, and
// read that once. A program cannot set it for itself in main, which is later,
// and users should not have to. But Go initialises packages in the order of
// their import paths, each as soon as all that it imports is ready (the
// language's specification, "Package initialization"; Go 1.21). This package
// imports os and strings alone and stands before golang.org and net/http in
// that order, so that it is always ready before them. It sets the variable;
// [Restore] puts it back for the programs that this one starts. Floor F0.
package setting

import (
	"os"
	"strings"
)

const (
	variable = "GODEBUG"
	name     = "http2xconnect="
)

// given is the variable as the process was started with it.
var given = enable()

// value is an environment variable.
type value struct {
	text    string
	present bool
	changed bool // by enable
}

// enable sets the variable, unless the user has said himself what he wants.
func enable() value {
	text, present := os.LookupEnv(variable)
	v := value{text, present, false}
	if strings.Contains(text, name) {
		return v
	}
	next := name + "1"
	if text != "" {
		next = text + "," + next
	}
	// An error means that the offer is not made, and browsers do without.
	v.changed = os.Setenv(variable, next) == nil
	return v
}

// Restore gives the variable its former value. It may be called once the
// servers' packages are initialised. It returns whether the offer is made.
func Restore() bool {
	if !given.changed {
		return strings.Contains(given.text, name+"1")
	}
	if given.present {
		return os.Setenv(variable, given.text) == nil
	}
	return os.Unsetenv(variable) == nil
}
