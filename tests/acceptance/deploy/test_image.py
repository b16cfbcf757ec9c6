"""The image, built and run for real: by buildah on a base of debootstrap, as root on Debian (`make test-image`)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.support.installation import free_port
from tests.support.servers.compose import ROOT

pytestmark = [pytest.mark.image, pytest.mark.timeout(3600)]
NAME = "localhost/b24-pipeline:test"
DEMO_SECONDS = 600


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of buildah: no engine, no overlay file system, nothing of the machine's own images."""
    store = Path(os.environ.get("B24_IMAGE_STORE") or tmp_path_factory.mktemp("store"))
    settings = store / "storage.conf"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(f'[storage]\ndriver = "vfs"\nrunroot = "{store}/run"\ngraphroot = "{store}/root"\n')
    return {**os.environ, "BUILDAH_ISOLATION": "chroot", "CONTAINERS_STORAGE_CONF": str(settings)}


@pytest.fixture(scope="session")
def root(builder: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file system of the image."""
    call(builder, "deploy/base_image.sh", str(tmp_path_factory.mktemp("base") / "debian"))
    build(builder, NAME)
    with mounted(builder, NAME) as found:
        yield found


def build(builder: dict[str, str], name: str, *arguments: str) -> None:
    """Builds an image on the base of debootstrap."""
    call(
        builder,
        *("deploy/image.sh", name, "--build-arg", "BASE=localhost/debian-base", *arguments),
        # this machine may trust an authority of its own
        *("--volume", "/etc/ssl/certs:/etc/ssl/certs:ro"),
        *("--build-arg", "PIP_CERT=/etc/ssl/certs/ca-certificates.crt"),
    )


@contextmanager
def mounted(builder: dict[str, str], name: str) -> Iterator[Path]:
    """The file system of an image, as long as it is looked at."""
    container = call(builder, "buildah", "from", name).strip()
    yield Path(call(builder, "buildah", "mount", container).strip())
    call(builder, "buildah", "rm", container)


def call(builder: dict[str, str], *command: str, timeout: float = 3600) -> str:
    """Runs a command and returns what it printed; a failure shows all of it."""
    done = subprocess.run(
        command, cwd=ROOT, env=builder, capture_output=True, text=True, check=False, timeout=timeout
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def inside(root: Path, *command: str) -> list[str]:
    """A command as a container runs it: its user, a read-only root, an empty volume and an empty /tmp."""
    mounts = (
        f"mount --bind {root} {root} && mount -o remount,ro,bind {root}"
        f" && mount -t tmpfs -o mode=1777 tmpfs {root}/tmp"
        f" && mount -t tmpfs -o mode=0700,uid=10001,gid=10001 tmpfs {root}/var/lib/b24"
        f" && mount -t proc proc {root}/proc && mount --rbind /dev {root}/dev"
        f' && exec chroot --userspec=10001:10001 {root} /usr/bin/env -i {" ".join(image_environment())} "$@"'
    )
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", mounts, "sh", *command]


def image_environment() -> list[str]:
    """What the Dockerfile sets, as `env` takes it."""
    return [
        "PATH=/opt/b24/bin:/usr/local/bin:/usr/bin:/bin",
        "PYTHONUNBUFFERED=1",
        "PYTHONDONTWRITEBYTECODE=1",
        "HOME=/var/lib/b24",
        "B24_HOME=/var/lib/b24",
        "DAGSTER_HOME=/var/lib/b24/dagster",
    ]


def test_the_demo_runs_inside(root: Path, builder: dict[str, str]) -> None:
    """The main job, from an embedded PostgreSQL to the funnel, without any right to write but the volume's."""
    printed = call(builder, *inside(root, "b24-entrypoint", "b24", "demo", "--once"), timeout=DEMO_SECONDS)
    assert "Won" in printed or "%" in printed, printed


def test_the_service_is_healthy_inside(root: Path, builder: dict[str, str]) -> None:
    """What the image runs by itself answers its own health check."""
    port = str(free_port())
    command = inside(root, "tini", "-g", "--", "b24-entrypoint", "b24", "serve", "--port", port)
    with subprocess.Popen(command, env=builder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as service:
        try:
            check = ["deploy/entrypoint.sh", "healthy", f"http://127.0.0.1:{port}/healthz"]
            deadline = time.monotonic() + 120
            while subprocess.run(check, cwd=ROOT, check=False, capture_output=True).returncode:
                assert service.poll() is None, service.stdout and service.stdout.read()
                assert time.monotonic() < deadline
                time.sleep(0.5)
        finally:
            stop(service)
    assert subprocess.run(check, cwd=ROOT, check=False, capture_output=True).returncode, "it serves on"


def stop(unshare: subprocess.Popen[bytes]) -> None:
    """Ends what `unshare` has started: its child is the first process of a namespace, and all others end with it.

    To kill `unshare` would not do: a child that has changed its user is not told of it.
    """
    children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    unshare.wait(timeout=60)


def test_nothing_that_builds_and_no_secret_is_inside(root: Path) -> None:
    """No compiler, no installer, no test, no file of settings, no key."""
    names = {path.name for path in root.rglob("*") if path.is_file() or path.is_symlink()}
    builders = {"gcc", "cc", "g++", "c++", "clang", "ld", "make", "pip", "pip3", "uv", "pytest", "hatchling"}
    assert not names & builders
    assert not names & {".env", "secret.keys", "admin.key", "pip.conf", ".git"}
    packages = {path.name for path in (root / "opt/b24/lib/python3.11/site-packages").iterdir()}
    assert not packages & {"pip", "setuptools", "pytest", "uv", "hatchling", "tests"}


def test_its_contents_are_those_of_the_lock(root: Path) -> None:
    """The list in CycloneDX names each package that is installed, at the version of the lock."""
    listed = json.loads((root / "usr/share/doc/b24-pipeline/sbom.cdx.json").read_text())
    assert listed["bomFormat"] == "CycloneDX"
    found = {f"{canonicalize_name(part['name'])}=={part['version']}" for part in listed["components"]}
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    assert found - {line.split()[0] for line in lock if line and not line.startswith(" ")} == set()
    assert len(found) > 80


def test_it_runs_as_a_user_without_rights(builder: dict[str, str], root: Path) -> None:
    """User, entry point, health check and labels are in the image itself."""
    described = json.loads(call(builder, "buildah", "inspect", "--type", "image", NAME))["Docker"]["config"]
    assert root.is_dir()
    assert described["User"] == "10001:10001"
    assert described["Entrypoint"] == ["tini", "-g", "--", "b24-entrypoint"]
    assert described["Healthcheck"]["Test"][:3] == ["CMD", "b24-entrypoint", "healthy"]
    assert described["Labels"]["org.opencontainers.image.licenses"] == "MIT"


@pytest.mark.parametrize(("lock", "module"), [("kubernetes", "dagster_k8s"), ("celery", "dagster_celery")])
def test_other_locks_build_it_with_what_they_add(
    builder: dict[str, str], root: Path, lock: str, module: str
) -> None:
    """What starts pods, or takes runs from a broker, is inside, and the command works beside it."""
    assert root.is_dir(), "the base is there"
    name = f"localhost/b24-pipeline:{lock}"
    build(builder, name, "--build-arg", f"LOCK=deploy/{lock}.lock")
    with mounted(builder, name) as found:
        imported = inside(found, "python", "-c", f"import {module}, b24_pipeline; print('imported')")
        assert "imported" in call(builder, *imported)
        assert "Usage" in call(builder, *inside(found, "b24-entrypoint", "b24", "--help"))
    call(builder, "buildah", "rmi", name)
