"""The services of `deploy/compose/` as processes of this machine: own commands, environments and order.

What Docker would do is done here: names of services become ports of the loopback, volumes folders of the test.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from tests.support.installation import free_ports
from tests.support.servers.postgres import EMBEDDED, ordinary_user, own_folder

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy" / "compose"
PORTS = {"postgres": "5432", "code": "4000", "ui": "3000", "service": "8024", "broker": "6379"}
OTHERS = ("postgres", "caddy", "broker")
"""Services whose image is not ours."""
PATIENCE_SECONDS = 180
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


class Compose:
    """Starts each service once those that it depends on are as the file wants them."""

    def __init__(self, folder: Path, *more: str, **given: str) -> None:
        self.services = self.read(*more, **given)
        self.folder = folder
        self.ports = dict(zip([*PORTS, "http", "https"], free_ports(len(PORTS) + 2), strict=True))
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        self._data = ExitStack()
        for name in ("secrets", "home", "home/dagster", "caddy", "etc"):
            (folder / name).mkdir(exist_ok=True)
        self._write_files()

    @staticmethod
    def read(*more: str, **given: str) -> dict[str, dict[str, Any]]:
        """The services of compose.yaml and of files beside it, as `-f` puts them together, with these variables."""
        services: dict[str, dict[str, Any]] = {}
        for file in ("compose.yaml", *more):
            text = (FOLDER / file).read_text()
            filled = VARIABLE.sub(lambda found: given.get(found[1], found[2]), text)
            for name, service in yaml.safe_load(filled)["services"].items():
                services[name] = _merged(services.get(name, {}), service)
        return services

    def up(self, *without: str) -> None:
        """Starts all of them but these, in the order of `depends_on`."""
        for name in without:
            del self.services[name]
        for name in self.order():
            for other, wanted in self.services[name].get("depends_on", {}).items():
                self._wait(other, wanted["condition"])
            self.start(name)
        for name, service in self.services.items():
            if "test" in service.get("healthcheck", {}):
                self._wait(name, "service_healthy")

    def order(self) -> list[str]:
        """The names, each after those that it depends on."""
        done: list[str] = []
        while len(done) < len(self.services):
            ready = [
                name
                for name, service in self.services.items()
                if name not in done and set(service.get("depends_on", {})) <= set(done)
            ]
            assert ready, (
                f"services wait for one another, or for one that is not there: {set(self.services) - set(done)}"
            )
            done += ready
        return done

    def start(self, name: str) -> None:
        """Starts one: what the file says it runs."""
        service = self.services[name]
        command = [*service.get("entrypoint", []), *service["command"]]
        own = self._environment(service.get("environment", {}))
        options: dict[str, Any] = {}
        if name == "caddy":
            self._write_caddyfile()
        if name == "postgres":
            command, options = self._postgres(command), {"user": ordinary_user()}
        elif "entrypoint" not in service and name not in OTHERS:
            command = ["deploy/entrypoint.sh", *command]
        with self.log(name).open("ab") as log:
            self.started[name] = subprocess.Popen(
                [self._here(part) for part in command],
                cwd=ROOT,
                env=own,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **options,
            )

    def log(self, name: str) -> Path:
        """What a service has printed."""
        return self.folder / f"{name}.log"

    def stop(self) -> None:
        """Ends all services, PostgreSQL after the others."""
        for names in ([name for name in self.started if name != "postgres"], ["postgres"]):
            ending = [self.started.pop(name) for name in names if name in self.started]
            for process in ending:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGTERM)
            for process in ending:
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        self._data.close()

    def environment(self, name: str) -> dict[str, str]:
        """That of a service, for a command that is run inside of it."""
        return self._environment(self.services[name].get("environment", {}))

    def secret(self, name: str) -> str:
        """What the first start has made."""
        return (self.folder / "secrets" / name).read_text()

    def _wait(self, name: str, condition: str) -> None:
        process, deadline = self.started[name], time.monotonic() + PATIENCE_SECONDS
        if condition == "service_completed_successfully":
            assert process.wait(PATIENCE_SECONDS) == 0, self.log(name).read_text()[-3000:]
            return
        kind, *test = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        while subprocess.run(
            [self._here(part) for part in test],
            cwd=ROOT,
            env=self.environment(name) | {"PGPORT": str(self.ports["postgres"]), "PGHOST": "127.0.0.1"},
            check=False,
            capture_output=True,
        ).returncode:
            assert process.poll() is None, f"{name} ended: {self.log(name).read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"{name} is not healthy: {self.log(name).read_text()[-3000:]}"
            time.sleep(0.5)

    def _environment(self, of_file: Mapping[str, str]) -> dict[str, str]:
        """What the image sets and what the file sets, and nothing else of ours."""
        path = f"{Path(sys.executable).parent}:{EMBEDDED}:{os.environ['PATH']}"
        image = {
            "PATH": path,
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.folder),
            "B24_HOME": str(self.folder / "home"),
            "DAGSTER_HOME": str(self.folder / "home" / "dagster"),
            "IMAGE_FILES": str(ROOT),
            "B24_SECRETS_PATH": str(self.folder / "secrets"),
            "POSTGRES": f"127.0.0.1:{self.ports['postgres']}",
            "CADDYFILE": str(self.folder / "etc" / "Caddyfile"),
            "XDG_DATA_HOME": str(self.folder / "caddy"),
        }
        return image | {name: self._here(str(value)) for name, value in of_file.items()}

    def _here(self, text: str) -> str:
        """A word of the file, as it is called on this machine."""
        paths = {
            "b24-entrypoint": "deploy/entrypoint.sh",
            "/first.sh": str(FOLDER / "first.sh"),
            "/etc/caddy/start.sh": str(FOLDER / "caddy.sh"),
            "/etc/b24/workspace.yaml": str(self.folder / "etc" / "workspace.yaml"),
            "0.0.0.0": "127.0.0.1",
        }
        if text in paths:
            return paths[text]
        text = text.replace("/run/secrets/", f"{self.folder / 'secrets'}/").replace("$$", "$")
        for name, port in PORTS.items():
            if text == port:
                return str(self.ports[name])
            text = text.replace(f"{name}:{port}", f"127.0.0.1:{self.ports[name]}")
            text = text.replace(f"-p {port}", f"-p {self.ports[name]}")
            text = text.replace(f"--port {port}", f"--port {self.ports[name]}")
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{self.ports[name]}")
        return text

    def _write_files(self) -> None:
        """The mounted file, with ports of this test."""
        workspace = (FOLDER / "workspace.yaml").read_text()
        workspace = workspace.replace("host: code", "host: 127.0.0.1")
        workspace = workspace.replace("port: 4000", f"port: {self.ports['code']}")
        (self.folder / "etc" / "workspace.yaml").write_text(workspace)

    def _write_caddyfile(self) -> None:
        """The proxy's own file, with ports of this test, as the installed Caddy reads it."""
        ports = f"http_port {self.ports['http']}\n https_port {self.ports['https']}\n"
        caddyfile = (FOLDER / "Caddyfile").read_text()
        version = subprocess.run(["caddy", "version"], check=True, capture_output=True, text=True).stdout
        if re.search(r"\b2\.[0-7]\.", version):
            caddyfile = caddyfile.replace("basic_auth", "basicauth")  # the name before Caddy 2.8
        text = f"{{\n admin off\n skip_install_trust\n {ports}}}\n{caddyfile}"
        (self.folder / "etc" / "Caddyfile").write_text(text)

    def _postgres(self, command: list[str]) -> list[str]:
        """The command in a data folder that was made as PostgreSQL's image makes it."""
        # not in the test's folder: pytest keeps that for its own user
        data = self._data.enter_context(own_folder("b24compose"))
        settings, user = self.services["postgres"]["environment"], ordinary_user()
        shutil.copy(self._here(settings["POSTGRES_PASSWORD_FILE"]), data / "password")
        (data / "password").chmod(0o444)
        subprocess.run(
            [f"{EMBEDDED}/initdb", "-D", data / "data", "-U", settings["POSTGRES_USER"], "-A", "scram-sha-256",
             "--pwfile", data / "password", "--no-sync"],
            check=True, capture_output=True, user=user,
        )  # fmt: skip
        subprocess.run(
            [f"{EMBEDDED}/postgres", "--single", "-D", data / "data", "postgres"],
            input=f"create database {settings['POSTGRES_DB']};\n".encode(),
            check=True, capture_output=True, user=user,
        )  # fmt: skip
        own = [
            "-D",
            str(data / "data"),
            "-p",
            str(self.ports["postgres"]),
            "-k",
            str(data),
            "-c",
            "fsync=off",
        ]
        return [f"{EMBEDDED}/{command[0]}", *command[1:], *own]


def _merged(one: Any, other: Any) -> Any:
    """As Docker puts a value of two files together: keys of both, and the other's where both have one."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return other
    return one | {name: _merged(one.get(name), value) for name, value in other.items()}
