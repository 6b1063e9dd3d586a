// Package wire is what a node's agent and the init process of a pod say to
// each other over a unix socket: one request a connection, with file
// descriptors beside it, and one response. A connection that closes early
// cancels what was asked for.
//
// It is of floor 1.
package wire
