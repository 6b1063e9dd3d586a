#!/bin/sh
# Installs the programs that the tests use besides Go: the race detector's C
# compiler, clients that users have, a browser among them, real servers to put
# behind a service, a container runtime, and what virtual machines are made of.
# Their kernel is not installed: it is unpacked in the user's cache.
# It is done at once if all are there. On Debian and its kin, root gets them
# from the distribution; otherwise it says what is missing, which is an error
# in continuous integration (CI=true).
set -eu
script=test-deps

# What to look for, and the Debian package that has it.
wanted="
cc:gcc
/usr/include/stdlib.h:libc6-dev
git:git
curl:curl
wget:wget
dig:bind9-dnsutils
ip:iproute2
jq:jq
openssl:openssl
/usr/bin/python3:python3
python3/kubernetes:python3-kubernetes
influxd:influxdb
prometheus:prometheus
node:nodejs
npm:npm
jupyter-notebook:jupyter-notebook
chromium:chromium
containerd:containerd
ctr:containerd
runc:runc
/usr/lib/cni/ptp:containernetworking-plugins
unshare:util-linux
nc:netcat-openbsd
psql:postgresql
redis-server:redis-server
ssh:openssh-client
/usr/sbin/sshd:openssh-server
ps:procps
"

if test "$(uname -m)" = x86_64; then # test/vm knows no other machines
	wanted="$wanted
qemu-system-x86_64:qemu-system-x86
busybox:busybox-static
/sbin/depmod:kmod
"
fi

. "$(dirname "$0")/deps.sh"
provide

# kernel unpacks Debian's newest kernel where test/vm looks for one.
kernel() {
	linux=${XDG_CACHE_HOME:-$HOME/.cache}/causeway-test/linux
	test ! -e "$linux" || return 0
	name=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
	test -n "$name" || return 1
	echo "$script: unpacking $name in $linux"
	mkdir -p "$(dirname "$linux")"
	new=$(mktemp -d "$linux.XXXXXX")
	(cd "$new" && apt-get download -q "$name" && dpkg -x "$name"_*.deb root && rm -rf "$name"_*.deb root/usr &&
		/sbin/depmod -b root "${name#linux-image-}" && mv -T root "$linux") >&2 || test -e "$linux"
	status=$?
	rm -rf "$new"
	return $status
}

if test "$(uname -m)" = x86_64 && test -z "$packages"; then
	kernel || { test "$(id -u)" = 0 && apt-get update -q >&2 && kernel; } || packages="linux-image-amd64 (its files, in a cache)"
fi
test -n "$packages" || exit 0

echo "**********************************************************************" >&2
echo "test-deps: MISSING:" $packages >&2
echo "Install these Debian packages, or run the tests as root on Debian." >&2
echo "Tests that need them will FAIL." >&2
echo "**********************************************************************" >&2
test "${CI:-}" != true
