// Package idmap says which users and groups there are in the user namespace of
// this process. An ordinary user who makes one has himself in it, as root, and
// others only if the system has given him some (subuid(5), newuidmap(1)).
package idmap
