# Sourced by the scripts that install what programs need, with these set:
#   script  the name of the script
#   wanted  words of the form WHAT:PACKAGE: a command, a path or python3/MODULE,
#           and the Debian package that has it
# provide installs what is missing if it can, and leaves in $packages what is
# missing still.
# shellcheck shell=sh

present() {
	case $1 in
	/*) test -e "$1" ;;
	# Debian's modules belong to Debian's python, whatever else is in PATH.
	python3/*) /usr/bin/python3 -c "import ${1#python3/}" 2>/dev/null ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

missing() {
	# shellcheck disable=SC2154 # set by the script
	for pair in $wanted; do
		present "${pair%%:*}" || echo "${pair#*:}"
	done
}

# The packages' servers must not start by themselves: who needs one starts his
# own.
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

provide() {
	packages=$(missing)
	test -n "$packages" || return 0
	if test "$(id -u)" = 0 && command -v apt-get >/dev/null; then
		# shellcheck disable=SC2154 # set by the script
		echo "$script: installing" $packages
		# shellcheck disable=SC2086 # one word is one package
		install $packages >&2 || true
		packages=$(missing)
	fi
}
