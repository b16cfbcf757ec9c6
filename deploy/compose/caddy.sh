#!/bin/sh
# Starts Caddy with the hash of the password in front of Dagster's UI.
set -eu
DAGSTER_PASSWORD_HASH=$(caddy hash-password --plaintext "$(cat "${B24_SECRETS_PATH:-/run/secrets}/dagster_password")")
export DAGSTER_PASSWORD_HASH
exec caddy run --config "${CADDYFILE:-/etc/caddy/Caddyfile}" --adapter caddyfile
