#!/bin/sh
# Makes each secret that is not there yet, as a file in /run/secrets; says the addresses. A secret that is there stays.
set -eu
umask 077
folder=${B24_SECRETS_PATH:-/run/secrets}

random() { head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n'; }

# a file is there as a whole or not at all, also after a start that was cut off
keep() { # NAME VALUE MODE
  [ -s "$folder/$1" ] && return
  printf '%s' "$2" >"$folder/.$1"
  chmod "$3" "$folder/.$1"
  mv "$folder/.$1" "$folder/$1"
}

# PostgreSQL's own user reads this one; the volume is mounted in our containers alone
keep postgres_password "$(random)" 0444
keep database_url "postgresql://b24:$(cat "$folder/postgres_password")@${POSTGRES:-postgres:5432}/b24" 0400
[ -s "$folder/b24_secret_keys" ] || keep b24_secret_keys "$(b24 keys new)" 0400
keep b24_admin_key "$(random)" 0400
keep dagster_password "$(random)" 0444
# with celery.yaml the broker, which reads its password as a user of its own; without it runs are started without one
if [ -n "${BROKER:-}" ]; then
  keep broker_password "$(random)" 0444
  keep b24_broker_url "redis://:$(cat "$folder/broker_password")@$BROKER/0" 0400
else
  rm -f "$folder/b24_broker_url"
fi
# this one is given by Bitrix24, and a new one replaces it
if [ -n "${BITRIX24_CLIENT_SECRET:-}" ]; then
  rm -f "$folder/bitrix24_client_secret"
  keep bitrix24_client_secret "$BITRIX24_CLIENT_SECRET" 0400
fi

echo "pages:    https://$B24_HOST         the key: docker compose run --rm service cat /run/secrets/b24_admin_key"
echo "Dagster:  https://$DAGSTER_HOST     user b24, the password: docker compose run --rm service cat /run/secrets/dagster_password"
echo "Keep a copy of b24_secret_keys apart from the back-ups: without it the credentials in them cannot be opened."
