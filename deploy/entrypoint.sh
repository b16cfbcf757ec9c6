#!/bin/sh
# Starts what it is given, with the image's dagster.yaml in DAGSTER_HOME: an empty volume has none, and one of an earlier
# image has an older one. A file of one's own is mounted there read-only, and stays.
# For health checks, each ends with 0 if it is so:
#   b24-entrypoint healthy URL     a service answers there
#   b24-entrypoint listens PORT    somebody listens at this port of the container
set -eu

if [ "${1:-}" = healthy ]; then
  exec python3 -I -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' "$2"
fi
if [ "${1:-}" = listens ]; then
  exec python3 -I -S -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)' "$2"
fi

own="$DAGSTER_HOME/dagster.yaml"
mkdir -p "$DAGSTER_HOME"
if [ ! -e "$own" ] || [ -w "$own" ]; then
  # written beside and renamed: several containers may share the folder
  # RUN_START_SECONDS: how long a run may take to begin, where that is another time than the file's
  sed "s/start_timeout_seconds: 120/start_timeout_seconds: ${RUN_START_SECONDS:-120}/" \
    "${IMAGE_FILES:-/usr/share/b24-pipeline}/dagster.yaml" > "$own.$$" && mv "$own.$$" "$own"
fi
exec "$@"
