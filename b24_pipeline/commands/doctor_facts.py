"""What `b24 doctor` says of the installation itself, whatever is broken: each as far as this role can tell."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from b24_pipeline.commands.findings import age
from b24_pipeline.runtime import Runtime
from b24_pipeline.settings import settings_of_files
from b24_pipeline.store.database.dagster_schema import daemon_seconds, switched_off
from b24_pipeline.store.database.rights import rights


@dataclass(frozen=True, slots=True)
class Facts:
    """An installation as a process with these settings sees it.

    `database`: where it is, without a password. `may_run`: the commands that its role has the rights for, of an owner,
    a loader and a service. `settings_of_files`: names of the settings that are read from files. `daemon_seconds`: since
    a daemon of Dagster reported last; None where none ever has, or the role may not see it. `switched_off`: schedules
    and sensors that somebody has stopped in Dagster.
    """

    version: str
    database: str
    role: str
    may_run: list[str]
    settings_of_files: list[str]
    daemon_seconds: float | None
    switched_off: list[str]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    def line(self) -> str:
        """For people."""
        work = ", ".join(self.may_run) if self.may_run else "nothing but what reads"
        parts = [
            f"b24-pipeline {self.version}, database {self.database} as {self.role}, which may run {work}"
        ]
        if self.settings_of_files:
            parts.append(f"settings from files: {', '.join(self.settings_of_files)}")
        if self.daemon_seconds is not None:
            parts.append(f"Dagster's daemon reported {age(self.daemon_seconds)} ago")
        if self.switched_off:
            parts.append(f"switched off in Dagster: {', '.join(self.switched_off)}")
        return "; ".join(parts)


def facts_of(opened: Runtime) -> Facts:
    """The facts of an opened installation."""
    warehouse = opened.warehouse
    with warehouse.connect() as connection:
        may, seconds, stopped = rights(connection), daemon_seconds(connection), switched_off(connection)
    return Facts(
        version=version("b24-pipeline"),
        database=warehouse.url.place,
        role=may.role,
        may_run=may.work,
        settings_of_files=settings_of_files(),
        daemon_seconds=seconds,
        switched_off=stopped,
    )
