#!/usr/bin/env bash
# Debian's Chromium, which the browser tests drive; playwright's own download is not used.
set -euo pipefail

command -v chromium >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing Chromium for the browser tests"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
else
  echo "The browser tests need Chromium: sudo apt-get install chromium" >&2
  exit 1
fi
