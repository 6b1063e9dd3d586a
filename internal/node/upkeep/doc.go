// Package upkeep keeps a node's disk from filling up unseen: it removes images
// that nobody uses, measures what pods write, ends those that write more than
// they may, and, when the disk is nearly full all the same, frees what it can.
//
// It is of floor 2, a part of the node's agent. What it does, in which order and
// why is in docs/decisions/0019-disk.md. Nothing is removed or ended by it that
// is not told of by an event.
package upkeep
