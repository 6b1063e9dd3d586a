#!/bin/sh
# Prints the build tag host if tests can have network and mount namespaces of
# their own: as root, or as a user who may make user namespaces. Tests that
# touch addresses, interfaces or mounts carry that tag and do so only there.
# Without it they are not run, which is said loudly, and an error in
# continuous integration (CI=true).
# For root it prints the tag root, too: container runtimes run for nobody else.
# An ordinary user is told that tests with that tag are not run.
set -eu
if test "$(id -u)" = 0; then
	try="unshare --net --mount"
else
	try="unshare --user --map-root-user --net --mount"
fi
if $try ip link add here type veth peer name there 2>/dev/null; then
	if test "$(id -u)" = 0; then
		echo host,root
		exit 0
	fi
	echo host
	echo "**********************************************************************" >&2
	echo "host-tag: you are not root: the tests with the build tag root are" >&2
	echo "NOT RUN: pods of containerd." >&2
	echo "**********************************************************************" >&2
	exit 0
fi
echo "**********************************************************************" >&2
echo "host-tag: namespaces cannot be made here ($try): the tests with the" >&2
echo "build tag host are NOT RUN: documents' commands, real servers behind" >&2
echo "services, full disks." >&2
echo "**********************************************************************" >&2
test "${CI:-}" != true
