// Package userns runs this program again as root of namespaces of its own, so
// that an ordinary user's agent can run pods: in there it may mount, and make
// networks. Towards the machine it is the user that it was.
//
// What is made in there ends with it and with its pods. The namespaces are a
// user namespace in which the user is 0 and nobody else is there, mounts, IPC,
// and a network that has loopback alone: how anything outside is reached, or
// reaches in, is for others to say.
//
// Pods of an agent that has died cannot be joined to the network of the next
// one, which is another; package ns ends them when it starts.
package userns
