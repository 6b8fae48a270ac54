#!/usr/bin/env bash
# Runs every benchmark of integration/bench briefly: that it works is shown here, its figures are not.
set -euo pipefail
cd "$(dirname "$0")/.."
for main in integration/bench/*/main.go; do
	[[ -f $main ]] || continue
	echo "bench: $(basename "$(dirname "$main")")"
	go run "./$(dirname "$main")" -short
done
