"""The `b24` command: thin; each command is a function of `commands/`, listed in `commands/catalogue.py`."""

from __future__ import annotations

import getpass
import os
import pwd
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Any, NoReturn

import click
import typer
from typer.core import TyperGroup

from b24_pipeline import interrupts
from b24_pipeline.commands.catalogue import BY_NAME, COMMANDS
from b24_pipeline.commands.screen import complain, output, write_notes
from b24_pipeline.errors import B24Error, UsageError
from b24_pipeline.store.database.acting import act_as


class Commands(TyperGroup):
    """The commands as their names and lines alone; the one that is called is loaded.

    To list, complete or correct names, nothing else is needed, and nobody should wait for other commands' imports.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Loads the command that `args` begin with; click asks for it to run it, or to complete its options."""
        name, command, rest = super().resolve_command(ctx, args)
        if name:
            command = BY_NAME[name].load()
        interrupts.raise_again()  # all that takes long to import is there
        return name, command, rest


app = typer.Typer(
    name="b24",
    cls=Commands,
    help="Bitrix24 CRM in PostgreSQL: complete, fresh, with its history.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    suggest_commands=False,  # click does
    context_settings={"help_option_names": ["-h", "--help"]},
)
for entry in COMMANDS:
    app.command(entry.name, help=entry.line)(lambda: None)

FOR_OTHERS = ("serve", "up")
"""Commands that change what others ask for: the audit does not say that it was whoever started them."""


class _Shown:
    debug = False


@app.callback()
def options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and a detailed log.")] = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=lambda asked: _show_version(asked=asked), is_eager=True, help="Show it."
        ),
    ] = False,
    log_json: Annotated[
        bool, typer.Option("--log-json", help="Write the log and all notes as JSON lines.")
    ] = False,
) -> None:
    """Options that every command takes: they stand before its name."""
    from b24_pipeline.log import set_up_logs

    _Shown.debug = debug
    set_up_logs(verbose=debug, as_json=log_json)
    if context.invoked_subcommand not in FOR_OTHERS:
        act_as(f"b24 {context.invoked_subcommand} by {_user()}")
        context.call_on_close(lambda: act_as(None))
    write_notes(as_json=log_json)


def _user() -> str:
    """Who runs this, as the machine knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"user {os.getuid()}"


def _show_version(*, asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        output.print(f"b24-pipeline {version('b24-pipeline')}")
        raise typer.Exit


def main() -> None:
    """Runs the command line. Errors are one line; exit 2 for wrong usage, 1 for failure."""
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # else `nohup` started us
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        app()
    except B24Error as error:
        _give_up(str(error), 2 if isinstance(error, UsageError) else 1)
    except KeyboardInterrupt:
        complain("stopped; what was stored stays, and the next run goes on from there")
        _leave(interrupts.INTERRUPTED)
    except Exception as error:
        _give_up(unforeseen(error), 1)


def unforeseen(error: Exception) -> str:
    """A line for an error that no part of the program has explained."""
    from b24_pipeline.store.database.warehouse import StorageError  # not needed where nothing failed

    if isinstance(error, StorageError):
        return f"the database refused it: {error}"
    if isinstance(error, PermissionError) and error.filename:
        path = Path(error.filename).absolute()
        return (
            f"{error.strerror}: {path}, which is {_owner(path)}'s: "
            "let that user run it, or take a folder of your own"
        )
    if isinstance(error, OSError) and error.filename:
        return f"{error.strerror}: {error.filename}"
    return f"a fault of this program, {type(error).__name__}: {error}; --debug before the command shows where"


def _owner(path: Path) -> str:
    """Whose the path is; where there is none or we may not look, whose the folder above it is."""
    for place in (path, *path.parents):
        try:
            found = place.stat()
        except OSError:
            continue
        try:
            return pwd.getpwuid(found.st_uid).pw_name
        except KeyError:  # a user of another machine
            return f"user {found.st_uid}"
    return "another user"


def _give_up(message: str, code: int) -> NoReturn:
    """Ends the process because of the error that is being handled."""
    complain(message, with_traceback=_Shown.debug)
    sys.exit(code)


def _leave(code: int) -> NoReturn:
    """Ends the process, without waiting for threads that wait for a portal: the database undoes what they began."""
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _terminate(_number: int, _frame: Any) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
