#!/bin/sh
# Installs the programs that `make bench` measures with and beside, besides Go:
# the load generators, the other proxies, and a C compiler for what presents
# client certificates. It is done at once if all are there. On Debian and its
# kin, root gets them from the distribution; otherwise it says what is missing.
set -eu
script=bench-deps
PATH=$PATH:/usr/sbin:/sbin # where Debian has servers, and users do not look

# What to look for, and the Debian package that has it.
wanted="
nginx:nginx
haproxy:haproxy
wrk:wrk
h2load:nghttp2-client
ip:iproute2
containerd:containerd
runc:runc
/usr/lib/cni/ptp:containernetworking-plugins
cc:gcc
/usr/include/stdlib.h:libc6-dev
"

. "$(dirname "$0")/deps.sh"
provide
test -n "$packages" || exit 0

echo "bench-deps: MISSING:" $packages >&2
echo "Install these Debian packages, or run make bench as root on Debian." >&2
exit 1
