#!/usr/bin/env bash
# Builds or serves the portal's pages. Node itself comes from npm's `node` package, pinned in package.json;
# npm only has to exist.
#
#   web.sh build   builds dist/, if a source is newer than it
#   web.sh dev     serves with hot reload, against the mesh of `make up`
#   web.sh run X   runs the npm script X
set -euo pipefail
cd "$(dirname "$0")/.."
web=services/portal-bff/web
if [[ ! -f $web/package.json ]]; then
	echo "web: there are no pages at $web"
	exit 0
fi
cd "$web"

install_packages() {
	[[ node_modules/.package-lock.json -nt package-lock.json ]] && return
	# Not npm ci: it asks for every optional package of other platforms to stand in the lock file, also for
	# those that the registry at hand did not have when it was written.
	npm install --no-save --no-audit --no-fund
	touch node_modules/.package-lock.json
}

is_current() {
	[[ -f dist/index.html ]] &&
		[[ -z $(find . -newer dist/index.html -type f -not -path './node_modules/*' -not -path './dist/*' -print -quit) ]]
}

build() {
	is_current && return
	install_packages
	npm run build
	# An empty dist/ belongs to the tree, so that Go can embed it before the pages are built.
	touch dist/.keep dist/index.html
}

case ${1:-} in
build) build ;;
dev) install_packages && exec npm run dev ;;
run) install_packages && exec npm run "$2" ;;
*) echo "usage: web.sh build|dev|run SCRIPT" >&2 && exit 2 ;;
esac
