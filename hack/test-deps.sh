#!/bin/sh
# Installs the programs that the tests use besides Go: the race detector's C
# compiler, clients that users have, a browser among them, and real servers to
# put behind a service.
# It is done at once if all are there. On Debian and its kin, root gets them
# from the distribution; otherwise it says what is missing, which is an error
# in continuous integration (CI=true).
set -eu

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
"

present() {
	case $1 in
	/*) test -e "$1" ;;
	# Debian's modules belong to Debian's python, whatever else is in PATH.
	python3/*) /usr/bin/python3 -c "import ${1#python3/}" 2>/dev/null ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

missing() {
	for pair in $wanted; do
		present "${pair%%:*}" || echo "${pair#*:}"
	done
}

# The packages' servers must not start by themselves: the tests start their own.
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
	echo "test-deps: installing" $packages
	# shellcheck disable=SC2086 # one word is one package
	install $packages >&2 || true
	packages=$(missing)
	test -n "$packages" || exit 0
fi

echo "**********************************************************************" >&2
echo "test-deps: MISSING:" $packages >&2
echo "Install these Debian packages, or run the tests as root on Debian." >&2
echo "Tests that need them will FAIL." >&2
echo "**********************************************************************" >&2
test "${CI:-}" != true
