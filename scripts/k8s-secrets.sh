#!/usr/bin/env bash
# Prints the secrets that k8s/ refers to, for `kubectl apply -f -`: keys from a folder that `grainmesh keys` made, and
# the addresses of neighbours, with their passwords, from the environment.
#
#   k8s-secrets.sh FOLDER        GRAINMESH_DATABASE_URL, GRAINMESH_REDIS_URL and GRAINMESH_S3_URL are set
#   k8s-secrets.sh FOLDER dev    those of k8s/neighbours, with passwords that are made once and kept in FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
umask 077
folder=${1:?name the folder that grainmesh keys made}

secret() { # NAME; entries follow
	printf -- '---\napiVersion: v1\nkind: Secret\nmetadata: {name: %s, namespace: grainmesh}\ndata:\n' "$1"
}

entry() { # KEY <VALUE
	printf '  %s: %s\n' "$1" "$(base64 -w0)"
}

password() { # NAME
	[[ -f $folder/passwords/$1 ]] || {
		mkdir -p "$folder/passwords"
		od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$folder/passwords/$1"
	}
	cat "$folder/passwords/$1"
}

if [[ ${2:-} == dev ]]; then
	GRAINMESH_DATABASE_URL=postgres://grainmesh:$(password postgres)@postgres:5432/grainmesh
	GRAINMESH_REDIS_URL=redis://:$(password redis)@redis:6379
	GRAINMESH_S3_URL=http://grainmesh:$(password s3)@s3:9000
	secret grainmesh-neighbours
	entry POSTGRES_PASSWORD <"$folder/passwords/postgres"
	entry REDIS_PASSWORD <"$folder/passwords/redis"
	entry S3_SECRET <"$folder/passwords/s3"
fi
secret grainmesh-nats
entry accounts.conf <"$folder/nats/accounts.conf"

for base in k8s/base/*/; do
	service=$(basename "$base")
	secret "grainmesh-$service-keys"
	for file in "$folder/identities/$service"/*; do
		entry "$(basename "$file")" <"$file"
	done
	secret "grainmesh-$service"
	# The settings that the service's own manifest takes from its secret.
	for name in $(sed -n "s/.*secretKeyRef: {name: grainmesh-$service, key: \([A-Z0-9_]*\)}.*/\1/p" "${base}deployment.yaml"); do
		printf %s "${!name:?is not set}" | entry "$name"
	done
done
