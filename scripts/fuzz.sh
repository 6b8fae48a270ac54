#!/usr/bin/env bash
# Runs every fuzz target of every module, one after the other, each for the given time.
#
#   fuzz.sh TIME   runs them
#   fuzz.sh list   prints "package target" lines; integration/house compares them with the code
set -euo pipefail
cd "$(dirname "$0")/.."

targets() {
	git ls-files --cached --others --exclude-standard -- '*_test.go' | while read -r file; do
		[[ -f $file ]] && sed -nE "s|^func (Fuzz[A-Za-z0-9_]*)\(.*|./$(dirname "$file") \1|p" "$file"
	done | sort -u
}

if [[ ${1:-} == list ]]; then
	targets
	exit
fi
targets | while read -r package target; do
	echo "fuzz: $package $target"
	nice go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "$1" </dev/null
done
