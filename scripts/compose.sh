#!/usr/bin/env bash
# Makes what compose/ needs once and no file of the tree may hold: keys of every identity, NATS's accounts, passwords.
# What is there stays, but for the accounts, which follow the code.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 077

.bin/grainmesh keys compose/state

password() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
if [[ ! -f compose/.env ]]; then
	cat >compose/.env <<-END
		GRAINMESH_USER=$(id -u):$(id -g)
		POSTGRES_PASSWORD=$(password)
		REDIS_PASSWORD=$(password)
		S3_SECRET=$(password)
	END
fi
echo "compose/state and compose/.env are there; next: docker compose --project-directory compose up --build --wait"
