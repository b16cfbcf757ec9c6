#!/usr/bin/env bash
# Makes a virtual environment with the locked packages and the b24 command.
# usage: deploy/install.sh PYTHON VENV
set -euo pipefail

python=$1
venv=$2

if ! command -v "$python" >/dev/null || ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  # Debian ships python3 without venv; root may install it, others are told how
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3 python3-venv >/dev/null
  else
    echo "Python's venv module is missing: sudo apt-get install python3 python3-venv" >&2
    exit 1
  fi
fi

"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || {
  echo "Python 3.11, 3.12 or 3.13 is needed; $("$python" --version) was found. Name another: make PYTHON=python3.11" >&2
  exit 1
}

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
# the lock is complete: nothing is resolved again (--no-deps)
echo "installing the locked packages into $venv (about a minute the first time)"
"$venv/bin/python" -m pip install --quiet --require-virtualenv --disable-pip-version-check \
  --no-deps --require-hashes -r requirements.lock
"$venv/bin/python" -m pip install --quiet --require-virtualenv --disable-pip-version-check \
  --no-deps --no-build-isolation --editable .
