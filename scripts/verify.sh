#!/usr/bin/env bash
# Fails if the tree is not what its tools would make of it: generated code, formatting, go.mod files. It also
# fails if a contract breaks the callers of the commit before; a commit that means to says so in a trailer line
# "Breaks: <who, and why that is all right>".
set -euo pipefail
cd "$(dirname "$0")/.."
failures=0
old=$(mktemp -d)
trap 'rm -rf "$old"' EXIT

fail() {
	echo "verify: $*" >&2
	failures=$((failures + 1))
}

generated() {
	git ls-files -z --cached --others --exclude-standard -- rpc services/portal-bff/web/src/api |
		while IFS= read -r -d '' file; do [[ ! -f $file ]] || printf '%s\0' "$file"; done | xargs -0 sha256sum
}

check_generated() {
	local before changed
	before=$(generated)
	scripts/generate.sh
	changed=$( (diff <(echo "$before") <(generated) || true) | awk '/^[<>]/ { print $3 }' | sort -u)
	[[ -z $changed ]] || fail "generated code was stale, and is now made anew; commit it:" $changed
}

check_contracts() {
	(cd rpc && ../.bin/buf lint) || fail "buf lint found the above"

	local base breaks
	base=$(git merge-base HEAD main 2>/dev/null || git merge-base HEAD origin/main 2>/dev/null || true)
	if [[ $base == "$(git rev-parse HEAD)" ]]; then
		base=$(git rev-parse --verify --quiet HEAD~1 || true)
	fi
	if [[ -z $base ]] || ! git cat-file -e "$base:rpc/buf.yaml" 2>/dev/null; then
		echo "verify: SKIPPED the check for breaking changes: no commit before this one has contracts" >&2
		return
	fi
	breaks=$(git log --format='%(trailers:key=Breaks,valueonly)' "$base..HEAD" | sed '/^$/d')
	if [[ -n $breaks ]]; then
		echo "verify: breaking changes are allowed here: $breaks" >&2
		return
	fi
	git archive "$base" rpc | tar -x -C "$old"
	.bin/buf breaking rpc --against "$old/rpc" || fail "buf breaking found the above, against ${base:0:12}"
}

check_format() {
	local unformatted
	unformatted=$("$(go env GOROOT)/bin/gofmt" -l $MODULES)
	[[ -z $unformatted ]] || fail "not formatted (make tidy):" $unformatted
}

check_modules() {
	local module
	for module in $MODULES; do
		(cd "$module" && GOWORK=off go mod tidy -diff) || fail "$module/go.mod is not tidy (make tidy)"
	done
	# go.work.sum is what the modules know together and no go.sum says.
	cp go.work.sum "$old/go.work.sum"
	rm go.work.sum
	go list -m all >/dev/null
	cmp -s go.work.sum "$old/go.work.sum" || fail "go.work.sum was stale, and is now made anew; commit it"
}

check_generated
check_contracts
check_format
check_modules
((failures == 0)) || exit 1
echo "verify: the tree is what its tools make of it"
