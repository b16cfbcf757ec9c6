"""Without a checkout: the wheel holds all that is needed, and `b24 init` writes the files of a folder."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
import tomllib
import zipfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
import yaml

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.settings import Settings
from tests.acceptance.conftest import KEY, environment
from tests.support.printed import ROOT, blocks, printed, run_in_shell

MOST_MEGABYTES = 150
NAME = re.compile(r"[A-Za-z0-9._-]+")
READ = """
import sys
from importlib.abc import MetaPathFinder

class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Missing())
from b24_pipeline import read
assert len(read.marts()) > 10
assert len(read.funnel(portal="acme")) > 5
assert len(read.custom_fields("acme")) > 200
assert len(read.columns("fct_deal")) > 10
{example}
assert by_month.sum() == len(deals) > 200
assert len(stages) > 10
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as `make wheel` builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel: Path) -> Path:
    """What pip would put among the packages."""
    folder = wheel.parent / "site"
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)
    return folder


def test_a_folder_is_made_and_works(site: Path, tmp_path: Path, database_url: str, sandbox: Sandbox) -> None:
    """`b24 init`, and then what it prints, with nothing but the wheel and the settings that it has written."""
    folder = tmp_path / "my folder"
    folder.mkdir()
    env = environment(
        PYTHONPATH=str(site),
        DATABASE_URL=database_url,
        B24_ALLOWED_PORTALS="127.0.0.1",
        B24_WEBHOOK_URL=sandbox.webhook_url,
    )
    asked = f"{sys.executable} -c 'import b24_pipeline; print(b24_pipeline.__file__)'"
    assert run_in_shell(asked, folder, env).stdout.startswith(str(site))
    made = run_in_shell(f"{sys.executable} -m b24_pipeline init", folder, env)
    assert made.returncode == 0, made.stderr
    assert ".env: settings, with keys that were made just now\n" in made.stdout
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    commands = printed(made.stderr)
    assert len(commands) == 4
    for command in commands[:3]:
        answer = run_in_shell(command, folder, env)
        assert answer.returncode == 0, (command, answer.stderr)
    assert commands[3].endswith("up")

    before = {path.name: path.read_text("utf-8") for path in folder.iterdir() if path.is_file()}
    again = run_in_shell(f"{sys.executable} -m b24_pipeline init", folder, env)
    assert again.stdout.count("is there already and stays as it is") == 4
    assert {name: (folder / name).read_text("utf-8") for name in before} == before


def test_the_written_files_say_what_they_should(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings are read by us, the workspace and the instance by Dagster, the unit by systemd."""
    folder = tmp_path / "my folder"
    (folder / ".b24").mkdir(parents=True)
    (folder / ".b24" / "secret.keys").write_text(KEY)
    made = run_in_shell(f"{sys.executable} -m b24_pipeline init", folder, environment(PYTHONPATH=str(site)))
    assert made.returncode == 0, made.stderr
    assert ".env: settings, with the keys of .b24/secret.keys, which stay as they are\n" in made.stdout
    for name in set(environment()) ^ set(environment(B24_SECRET_KEYS="x", B24_ADMIN_KEY="x")):
        monkeypatch.delenv(name, raising=False)
    given = Settings(_env_file=folder / ".env")
    assert given.b24_secret_keys and given.b24_secret_keys.get_secret_value() == KEY
    assert given.b24_admin_key and len(given.b24_admin_key.get_secret_value()) > 30
    workspace = yaml.safe_load((folder / "workspace.yaml").read_text("utf-8"))
    assert workspace["load_from"][0]["python_module"]["module_name"] == "b24_pipeline.definitions"
    assert (folder / "dagster.yaml").read_text("utf-8") == (ROOT / "dagster.yaml").read_text("utf-8")
    unit = configparser.ConfigParser(interpolation=None)
    unit.read(folder / "b24.service")
    service = unit["Service"]
    assert service["workingdirectory"] == str(folder)
    assert service["execstart"] == f'"{Path(sys.prefix) / "bin" / "b24"}" up'
    assert service["execstartpre"].endswith(" migrate")


def light() -> list[str]:
    """The packages of the light installation, as docs/analysts.md lists them."""
    (line,) = [command for command in blocks(ROOT / "docs" / "analysts.md") if "--no-compile" in command]
    return re.findall(r"'([^']+)'", line)


def needed(requirements: list[str]) -> set[str]:
    """Their names, and the names of what they need themselves."""
    found: set[str] = set()
    waiting = list(requirements)
    while waiting:
        one = waiting.pop()
        match = NAME.match(one)
        name = match[0].lower().replace("_", "-") if match else ""
        if name not in found:
            found.add(name)
            with suppress(PackageNotFoundError):  # a package for another Python or system
                waiting += [more for more in requires(name) or () if "extra ==" not in more]
    return found | {"psycopg-binary"}


def test_the_light_packages_are_those_of_the_project() -> None:
    """In the versions that it takes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    assert set(light()) <= set(project)


def test_reading_needs_no_more_than_the_light_packages(
    site: Path, tmp_path: Path, database_url: str, sandbox: Sandbox
) -> None:
    """Every other package that the project needs is hidden; the command says what is missing."""
    env = environment(PYTHONPATH=str(site), DATABASE_URL=database_url)
    connected = {
        "B24_SECRET_KEYS": KEY,
        "B24_ALLOWED_PORTALS": "127.0.0.1",
        "B24_WEBHOOK_URL": sandbox.webhook_url,
    }
    b24 = f"{sys.executable} -m b24_pipeline"
    answer = run_in_shell(f"{b24} portal add acme && {b24} sync", tmp_path, env | connected)
    assert answer.returncode == 0, answer.stderr
    others = {
        name.replace("-", "_") for name in needed(["b24-pipeline"]) - needed(light()) - {"b24-pipeline"}
    }
    assert {"dagster", "typer", "cryptography", "fastapi"} <= others
    others.add("psycopg2")  # its package is psycopg2-binary
    (example,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "analysts.md").read_text("utf-8"), re.DOTALL
    )
    reading = subprocess.run(
        [sys.executable, "-c", READ.replace("{missing}", repr(others)).replace("{example}", example)],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert reading.returncode == 0, reading.stderr


@pytest.mark.slow
def test_the_light_installation_is_light(wheel: Path, tmp_path: Path, database_url: str) -> None:
    """A real one, as the page tells: under 150 MB, it reads, and its command says what it lacks."""
    env = environment(DATABASE_URL=database_url)
    env.pop("PYTHONPATH", None)
    page = [command for command in blocks(ROOT / "docs" / "analysts.md") if command.startswith("pip install")]
    told = [command.replace("b24_pipeline-0.1.0-py3-none-any.whl", str(wheel)) for command in page]
    for command in (f"{sys.executable} -m venv .venv", *(f".venv/bin/{command}" for command in told)):
        answer = run_in_shell(command, tmp_path, env)
        assert answer.returncode == 0, (command, answer.stderr)
        assert "ERROR" not in answer.stderr, answer.stderr
    packages = next((tmp_path / ".venv" / "lib").glob("python3*")) / "site-packages"
    files = [path for path in packages.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    own = {"pip", "setuptools", "pkg_resources", "_distutils_hack"}
    size = sum(path.stat().st_size for path in files if path.relative_to(packages).parts[0] not in own)
    assert size < MOST_MEGABYTES * 10**6
    built = run_in_shell(f"{sys.executable} -m b24_pipeline models", ROOT, env | {"B24_SECRET_KEYS": KEY})
    assert built.returncode == 0, built.stderr
    reading = run_in_shell(
        ".venv/bin/python -c 'from b24_pipeline import read; print(len(read.marts()))'", tmp_path, env
    )
    assert reading.returncode == 0, reading.stderr
    told_missing = run_in_shell(".venv/bin/b24 status", tmp_path, env)
    assert told_missing.returncode == 1
    assert (
        "the commands need all packages: pip install b24_pipeline-0.1.0-py3-none-any.whl"
        in told_missing.stderr
    )
    assert "Traceback" not in told_missing.stderr
