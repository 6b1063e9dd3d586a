// Package pod is the init process of a pod: the first in its namespaces, which
// starts the pod's containers, writes their logs, reaps them, and answers the
// node's agent on a socket. It needs no agent to go on. When it ends, the
// kernel ends all that is in the pod.
//
// It is of floor 1, and runs as a process of its own: the agent starts the same
// program again, which by importing package early calls [Main] before it
// prepares anything else. What this package imports is kept small for that.
//
// The containers of a pod see each other's processes, and this one as the
// first: what shareProcessNamespace asks for is always so. It reaps what they
// leave behind, and a program needs no handler to be ended by SIGTERM.
package pod
