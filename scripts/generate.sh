#!/usr/bin/env bash
# Generates Go from rpc/**/*.proto, and the portal's clients where its packages are installed.
set -euo pipefail
cd "$(dirname "$0")/.."

(cd rpc && ../.bin/buf generate)

# A contract that was removed takes its generated code along.
find rpc -name '*.pb.go' -o -name '*.twirp.go' | while read -r generated; do
	proto=${generated%.pb.go}
	proto=${proto%.twirp.go}.proto
	[[ -f $proto ]] || rm -v "$generated"
done

if [[ -f services/portal-bff/web/package.json ]]; then
	PATH=$PWD/.bin:$PATH scripts/web.sh run generate
fi
