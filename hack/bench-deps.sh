#!/bin/sh
# Installs the programs that `make bench` measures with and beside, besides Go:
# the load generators, the other proxies, and a C compiler for what presents
# client certificates. It is done at once if all are there. On Debian and its
# kin, root gets them from the distribution; otherwise it says what is missing.
set -eu
PATH=$PATH:/usr/sbin:/sbin # where Debian has servers, and users do not look

# What to look for, and the Debian package that has it.
wanted="
nginx:nginx
haproxy:haproxy
wrk:wrk
h2load:nghttp2-client
ip:iproute2
cc:gcc
/usr/include/stdlib.h:libc6-dev
"

present() {
	case $1 in
	/*) test -e "$1" ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

missing() {
	for pair in $wanted; do
		present "${pair%%:*}" || echo "${pair#*:}"
	done
}

# The packages' servers must not start by themselves: bench starts its own.
without_services() {
	policy=/usr/sbin/policy-rc.d
	if test -e $policy; then
		"$@"
		return
	fi
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod +x $policy
	trap 'rm -f $policy' EXIT INT TERM
	"$@"
}

install() {
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q && without_services apt-get install -q -y --no-install-recommends "$@"
}

packages=$(missing)
test -n "$packages" || exit 0

if test "$(id -u)" = 0 && command -v apt-get >/dev/null; then
	echo "bench-deps: installing" $packages
	# shellcheck disable=SC2086 # one word is one package
	install $packages >&2 || true
	packages=$(missing)
	test -n "$packages" || exit 0
fi

echo "bench-deps: MISSING:" $packages >&2
echo "Install these Debian packages, or run make bench as root on Debian." >&2
exit 1
