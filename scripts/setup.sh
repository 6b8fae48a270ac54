#!/usr/bin/env bash
# Installs what this machine lacks, on Debian and its kin; elsewhere names it.
#
#   setup.sh run    what `make up` needs
#   setup.sh test   also what `make test` needs
#
# Postgres and Redis are run by Grainmesh itself, from the installed programs and on ports of their own. So what
# their packages would start on their own account is kept from starting.
set -euo pipefail

level=${1:-run}
missing=()

need() { # PACKAGE PROGRAM...: any of the programs will do
	local package=$1 program
	shift
	for program in "$@"; do
		command -v "$program" >/dev/null && return
	done
	missing+=("$package")
}

need_file() { # PACKAGE PATTERN
	compgen -G "$2" >/dev/null || missing+=("$1")
}

need ca-certificates update-ca-certificates
need ffmpeg ffmpeg
need npm npm
need_file fonts-dejavu-core '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf'
need redis-server redis-server
if ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
	need postgresql initdb
fi
if [[ $level == test ]]; then
	need chromium chromium chromium-browser google-chrome
	need gcc gcc
	need_file libc6-dev '/usr/include/*/sys/cdefs.h'
fi

if ((${#missing[@]} == 0)); then
	exit 0
fi

as_root=()
if ((EUID != 0)); then
	as_root=(sudo)
fi
root() { "${as_root[@]}" "$@"; }

if ! command -v apt-get >/dev/null || ! root true; then
	echo "setup: please install these packages (by Debian's names): ${missing[*]}" >&2
	echo "setup: nothing was installed, because that needs apt-get, and root or sudo" >&2
	exit 1
fi

echo "setup: installing ${missing[*]}"
if [[ " ${missing[*]} " == *' postgresql '* ]]; then
	# Debian's package makes and starts a cluster "main" unless it is told not to.
	root mkdir -p /etc/postgresql-common/createcluster.d
	echo 'create_main_cluster = false' | root tee /etc/postgresql-common/createcluster.d/grainmesh.conf >/dev/null
fi
root apt-get update -q
root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
if [[ " ${missing[*]} " == *' redis-server '* && -d /run/systemd/system ]]; then
	root systemctl disable --now redis-server
fi
