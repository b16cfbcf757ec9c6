#!/usr/bin/env bash
# Makes a virtual environment with the packages that LOCK pins, and the b24 command.
# uv does it in seconds: pip installs the uv that LOCK pins into that same environment.
# usage: deploy/install.sh PYTHON VENV LOCK
set -euo pipefail

python=$1
venv=$2
lock=$3

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

pip() { "$venv/bin/python" -m pip --require-virtualenv --disable-pip-version-check "$@"; }

uv() { "$venv/bin/python" -m uv --quiet "$@" --python "$venv/bin/python"; }

# the lines of uv and its hashes
pinned_uv() { awk '/^[^ ]/ { wanted = /^uv==/ } wanted' "$lock"; }

# packages that the lock does not name. `uv pip sync` would remove them too, and the b24 command with them: for
# minutes no other shell could call it, until it is installed at the end
unnamed() {
  comm -23 \
    <(uv pip list --format freeze | sed 's/[= @].*//' | sort -u) \
    <({ sed -n 's/^\([a-z0-9][a-z0-9.-]*\)==.*/\1/p' "$lock"; printf '%s\n' b24-pipeline pip setuptools; } | sort -u)
}

# the lock is complete: nothing is resolved again (--no-deps)
install_with_uv() {
  pip install --quiet --no-deps --require-hashes -r <(pinned_uv) &&
    uv pip install --no-deps --require-hashes --compile-bytecode --requirements "$lock" &&
    { unnamed | xargs --no-run-if-empty "$venv/bin/python" -m uv --quiet pip uninstall --python "$venv/bin/python"; } &&
    uv pip install --no-deps --no-build-isolation --editable .
}

install_with_pip() {
  pip install --quiet --no-deps --require-hashes -r "$lock" &&
    pip install --quiet --no-deps --no-build-isolation --editable .
}

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"

# uv does not read pip's settings: where pip has an index of its own, uv is given the same
if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
  index=${PIP_INDEX_URL:-$(pip config get global.index-url 2>/dev/null || true)}
  [ -z "$index" ] || export UV_DEFAULT_INDEX=$index
fi

echo "installing $lock into $venv (about half a minute the first time)"
install_with_uv || {
  echo "uv could not do it; pip tries, which takes longer" >&2
  install_with_pip
}
