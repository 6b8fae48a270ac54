#!/usr/bin/env bash
# Runs the given `go test` and ends with the ten slowest packages, and the ones that failed.
set -euo pipefail
log=$(mktemp)
trap 'rm -f "$log"' EXIT

code=0
"$@" 2>&1 | tee "$log" || code=$?

echo
echo "slowest packages:"
awk '$1 == "ok" || $1 == "FAIL" { for (i = 3; i <= NF; i++) if ($i ~ /^[0-9.]+s$/) { print "  " $i "\t" $2; break } }' "$log" |
	sort -k1,1 -rn | head -10
if ((code != 0)); then
	echo "failed packages:"
	awk '$1 == "FAIL" && NF > 1 { print "  " $2 }' "$log"
fi
exit "$code"
