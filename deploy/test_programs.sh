#!/usr/bin/env bash
# Programs of Debian that tests run, by the names of their packages; what is there already is left as it is.
# usage: deploy/test_programs.sh PACKAGE ...
set -euo pipefail

missing=()
for package in "$@"; do
  dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} = 0 ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing ${missing[*]} for the tests"
  # tests start them by themselves, and PostgreSQL's package would make a cluster that nobody asked for
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  apt-get update -qq
  # time zones for the pages of Prometheus, which no test opens, would take 214 MB
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o 'Dpkg::Options::=--path-exclude=/usr/share/javascript/moment-timezone/*' "${missing[@]}" >/dev/null
else
  echo "The tests need ${missing[*]}: sudo apt-get install ${missing[*]}" >&2
  exit 1
fi
