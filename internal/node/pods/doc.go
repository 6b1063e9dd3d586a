// Package pods runs the pods that are bound to a node: it brings each to where
// its specification says, keeps it there, and tells the API what has become of
// it.
//
// It is part of the node's agent, on floor 2: a client of the API and of a
// [podrun.Runtime].
//
// Each pod has a worker, which nobody else's pod can hold up. It acts on what
// is, not on what has happened: a round looks at what the pod should be, at
// its sandbox and containers, does what is next, and ends; the next round
// begins when something has changed, or when the time has come for a restart.
// What may take long (a pull, a graceful stop, a probe) goes on beside it.
//
// An agent that ends leaves its pods as they are, and the next one adopts
// them: what runs goes on, what was half made is made again. Pods that the API
// does not know any more are stopped and removed.
package pods
