#!/usr/bin/env bash
# The gate. Each step runs even if the one before failed, so that one run tells everything.
set -euo pipefail
cd "$(dirname "$0")/.."
started=$SECONDS
failed=()

step() { # NAME COMMAND...
	local name=$1 began=$SECONDS
	shift
	echo "=== $name"
	"$@" || failed+=("$name")
	echo "=== $name: $((SECONDS - began)) s"
}

# Nothing below can run without these two.
scripts/setup.sh test
scripts/web.sh build

step lint make --no-print-directory lint
step verify make --no-print-directory verify
step "race run" make --no-print-directory race
step "short bench" make --no-print-directory bench-short
step "short faults" make --no-print-directory fault-short

echo "=== total: $((SECONDS - started)) s"
if ((${#failed[@]} > 0)); then
	echo "=== FAILED: ${failed[*]}" >&2
	exit 1
fi
echo "=== passed"
