#!/bin/sh
# Installs the programs that the tests use besides Go: the race detector's C
# compiler, clients that users have, a browser among them, real servers to put
# behind a service, and a container runtime.
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

. "$(dirname "$0")/deps.sh"
provide
test -n "$packages" || exit 0

echo "**********************************************************************" >&2
echo "test-deps: MISSING:" $packages >&2
echo "Install these Debian packages, or run the tests as root on Debian." >&2
echo "Tests that need them will FAIL." >&2
echo "**********************************************************************" >&2
test "${CI:-}" != true
