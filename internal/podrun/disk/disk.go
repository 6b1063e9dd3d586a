// Package disk says how much of a disk is used: by what is below a directory,
// and in all.
//
// It is of floor 1. What is below a directory may be a pod's, which changes it
// while it is counted and means no good: nothing leads out of it, neither a link
// nor a mount, and counting many files is done at leisure.
package disk

import "errors"

// Use is what is taken of a disk.
type Use struct {
	// Bytes are those of whole blocks, as du(1) counts them: the holes of a file
	// take none.
	Bytes int64
	// Inodes counts files, directories and whatever else has a name.
	Inodes int64
}

// Plus is both together.
func (u Use) Plus(other Use) Use { return Use{u.Bytes + other.Bytes, u.Inodes + other.Inodes} }

// Space is what a disk has. What is not known is zero.
type Space struct {
	// Size is all of it in bytes, Free what programs of users could still get.
	Size, Free int64
	// Inodes and InodesFree are numbers of inodes; zero where a file system
	// makes them as they are needed.
	Inodes, InodesFree int64
	// Device tells disks apart.
	Device uint64
}

// ErrTooDeep is that of a directory below which others are so deep that nobody
// could have made them by accident. What is higher up has been counted.
var ErrTooDeep = errors.New("its directories are too deep to be counted")
