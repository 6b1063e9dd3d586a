#!/bin/sh
# Runs every fuzz target of the module in turn, each for its share of a time
# which is an hour if not given: sh hack/fuzz.sh [60m]. A unit is one of s, m
# and h. What a target finds is written to its testdata/fuzz, from where it
# runs as a test ever after: fix it and commit both. Ends with an error if any
# target has found something, after all of them have run. FUZZ_PARALLEL is how
# many processes a target may use, 1 if not given.
set -eu
cd "$(dirname "$0")/.."

total=${1:-60m}
case $total in
*h) seconds=$((${total%h} * 3600)) ;;
*m) seconds=$((${total%m} * 60)) ;;
*s) seconds=${total%s} ;;
*) seconds=$total ;;
esac

# The names of a package's targets stand before the line that names it. A
# package that does not build ends the script here.
list=$(go test -list '^Fuzz' ./...)
targets=$(echo "$list" | awk '
	/^Fuzz/ { names[++n] = $1 }
	$1 == "ok" { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }')
count=$(echo "$targets" | grep -c . || true)
if test "$count" = 0; then
	echo "fuzz.sh: there are no fuzz targets" >&2
	exit 1
fi
share=$((seconds / count))
if test "$share" -lt 1; then
	share=1
fi
echo "fuzz.sh: $count targets, ${share}s each"

found=0
while read -r package name; do
	echo "== $package $name"
	go test -run '^$' -fuzz "^$name\$" -fuzztime "${share}s" -parallel "${FUZZ_PARALLEL:-1}" "$package" </dev/null || {
		echo "fuzz.sh: $package $name has failed" >&2
		found=1
	}
done <<EOF
$targets
EOF
exit $found
