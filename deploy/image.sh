#!/usr/bin/env bash
# Builds the image with what is there: docker, podman or buildah.
# usage: deploy/image.sh [NAME] [OPTION OF BUILD ...]
set -euo pipefail
cd "$(dirname "$0")/.."

name=${1:-b24-pipeline:latest}
shift || true
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
options=(--file deploy/Dockerfile --tag "$name" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" "$@")

if docker info >/dev/null 2>&1; then
  exec docker build "${options[@]}" .
elif command -v podman >/dev/null; then
  exec podman build --format docker --ignorefile deploy/Dockerfile.dockerignore "${options[@]}" .
elif command -v buildah >/dev/null; then
  exec buildah build --format docker --layers --ignorefile deploy/Dockerfile.dockerignore "${options[@]}" .
else
  echo "No builder of images is here: install docker, podman or buildah (sudo apt-get install buildah)" >&2
  exit 1
fi
