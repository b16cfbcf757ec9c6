#!/usr/bin/env bash
# Makes localhost/debian-base by debootstrap, from Debian's packages alone: for machines that reach no registry of images.
# usage: deploy/base_image.sh [FOLDER]     FOLDER is used again if it is there
set -euo pipefail

folder=${1:-$(mktemp -d)/debian}
mirror=$(apt-get indextargets --format '$(SITE)' "Created-By: Packages" 2>/dev/null | grep -v -- -security | head -n 1)
if [ ! -e "$folder/etc/debian_version" ]; then
  debootstrap --variant=minbase --include=ca-certificates bookworm "$folder" "$mirror" >/dev/null
fi
rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
container=$(buildah from scratch)
buildah add --quiet "$container" "$folder" / >/dev/null
buildah commit --quiet "$container" localhost/debian-base >/dev/null
buildah rm "$container" >/dev/null
