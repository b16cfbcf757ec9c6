"""`b24 psql`: PostgreSQL's own terminal, in the database of the settings."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated

import typer

from b24_pipeline import runtime
from b24_pipeline.commands.opening import chosen_settings
from b24_pipeline.commands.postgres_programs import bundled, database_option, environment_for, of_system
from b24_pipeline.commands.with_parent import end_with_parent
from b24_pipeline.errors import UsageError
from b24_pipeline.settings import Settings
from b24_pipeline.store.database.connecting.url import read_url

_BY_SIGNAL = 128


def psql(
    options: Annotated[
        list[str] | None, typer.Argument(help='What psql takes, such as -c "select ..." or -f FILE.')
    ] = None,
) -> None:
    """Open PostgreSQL's psql in the database; an embedded one runs as long as psql does."""
    chosen = chosen_settings()
    with _running(chosen):
        command, env = psql_of(runtime.database_url(chosen), is_embedded=chosen.database_url is None)
        signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is psql's: it ends a query, not the session
        ended = subprocess.run(
            [*command, *(options or ())],
            env=env,
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
    ours, system = bundled("psql"), of_system("psql")
    found = (ours or system) if is_embedded else (system or ours)
    if not found:
        raise UsageError("psql is not installed: sudo apt-get install postgresql-client")
    return found


def psql_of(url: str, *, is_embedded: bool = False) -> tuple[list[str], dict[str, str]]:
    """The program that opens this database, with its first options, and its environment. Raises UsageError."""
    read = read_url(url)
    return [_program(is_embedded=is_embedded), *database_option(read)], environment_for(read)
