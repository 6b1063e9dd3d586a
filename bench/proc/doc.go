// Package proc reads from /proc what processes and the machine have used. It
// is a part of bench and stands beside the house of internal/.
package proc
