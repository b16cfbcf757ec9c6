"""The `b24` command: thin; each command is a function of `commands/`."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from importlib.metadata import version
from typing import Annotated, Any, NoReturn

import typer

from b24_pipeline.commands import (
    analysts,
    demo,
    doctor,
    drain,
    export,
    funnel,
    keys,
    leads,
    migrate,
    models,
    portal,
    sandbox,
    serve,
    status,
    sync,
    up,
)
from b24_pipeline.commands.screen import complain, output
from b24_pipeline.errors import B24Error, UsageError
from b24_pipeline.log import set_up_logs
from b24_pipeline.store.database.warehouse import StorageError

app = typer.Typer(
    name="b24",
    help="Bitrix24 CRM in PostgreSQL: complete, fresh, with its history.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
portal_app = typer.Typer(
    help="Connect, list and remove portals, and say whom they call qualified.", no_args_is_help=True
)
app.add_typer(portal_app, name="portal")
analysts_app = typer.Typer(help="Read-only roles for analysts and BI tools.", no_args_is_help=True)
app.add_typer(analysts_app, name="analysts")
leads_app = typer.Typer(help="Own ad leads.", no_args_is_help=True)
app.add_typer(leads_app, name="leads")
keys_app = typer.Typer(help="The keys that secrets are encrypted with.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")

INTERRUPTED = 130


class _Shown:
    debug = False


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and a detailed log.")] = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=lambda asked: _show_version(asked=asked), is_eager=True, help="Show it."
        ),
    ] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Write the log as JSON lines.")] = False,
) -> None:
    """Options that every command takes: they stand before its name."""
    _Shown.debug = debug
    set_up_logs(verbose=debug, as_json=log_json)


def _show_version(*, asked: bool) -> None:
    if asked:
        output.print(f"b24-pipeline {version('b24-pipeline')}")
        raise typer.Exit


app.command()(demo.demo)
app.command()(migrate.migrate)
portal_app.command("add")(portal.add)
portal_app.command("connect")(portal.connect)
portal_app.command("list")(portal.show)
portal_app.command("remove")(portal.remove)
portal_app.command("qualification")(portal.qualification)
analysts_app.command("grant")(analysts.grant)
analysts_app.command("revoke")(analysts.revoke)
analysts_app.command("list")(analysts.show)
keys_app.command("rotate")(keys.rotate)
leads_app.command("import")(leads.import_leads)
app.command()(sync.sync)
app.command()(sync.backfill)
app.command()(sync.reconcile)
app.command()(drain.drain)
app.command()(leads.match)
app.command()(models.models)
app.command()(funnel.funnel)
app.command()(export.export)
app.command()(serve.serve)
app.command()(up.up)
app.command()(status.status)
app.command()(doctor.doctor)
app.command()(sandbox.sandbox)


def main() -> None:
    """Runs the command line. Errors are one line; exit 2 for wrong usage, 1 for failure."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except B24Error as error:
        if _Shown.debug:
            traceback.print_exc()
        complain(str(error))
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except StorageError as error:
        if _Shown.debug:
            traceback.print_exc()
        complain(f"the database refused it: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        complain("stopped; what was stored stays, and the next run goes on from there")
        _leave(INTERRUPTED)


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
