"""Every command of `b24`: its name, its line in `b24 --help`, and the functions that do it.

A module of `commands/` is imported when its command is called. Together they import the whole program, which
takes longer than `b24 status` works. So a command's line stands in this list as well as in its docstring;
tests/unit/commands/test_catalogue.py compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

import click
import typer


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A command, or a group of them.

    `functions`: the module and function of a command, such as "sync.backfill"; of a group those of each member.
    `passes_options`: what we do not know is for the program that the command calls.
    """

    name: str
    line: str
    functions: str | Mapping[str, str]
    passes_options: bool = False

    def load(self) -> click.Command:
        """The command as it is run: imports its module."""
        app = typer.Typer(
            name=self.name, help=self.line, no_args_is_help=True, add_completion=False, suggest_commands=False
        )
        if isinstance(self.functions, str):
            context = {"ignore_unknown_options": self.passes_options}
            app.command(self.name, context_settings=context)(_function(self.functions))
            return typer.main.get_command(app)
        for name, function in self.functions.items():
            app.command(name)(_function(function))
        return typer.main.get_group(app)


def _function(path: str) -> Callable[..., None]:
    module, name = path.split(".")
    function: Callable[..., None] = getattr(import_module(f"b24_pipeline.commands.{module}"), name)
    return function


COMMANDS = (
    CommandEntry(
        "demo",
        "Show it all: a sandbox portal, synced into an embedded PostgreSQL, modelled and printed.",
        "demo.demo",
    ),
    CommandEntry(
        "init",
        "Write workspace.yaml, dagster.yaml, .env and a systemd unit into this folder; files that are there stay.",
        "init.init",
    ),
    CommandEntry("migrate", "Bring the database up to date; harmless twice.", "migrate.migrate"),
    CommandEntry(
        "sync", "Sync portals: what changed since the last time, or all; then the models.", "sync.sync"
    ),
    CommandEntry(
        "backfill",
        "Read again what was created on these days, and find what was deleted since.",
        "sync.backfill",
    ),
    CommandEntry(
        "reconcile",
        "Compare with the portals by counting; fetch what was missed, mark what is gone as deleted.",
        "sync.reconcile",
    ),
    CommandEntry(
        "drain",
        "Read what the inbound events name: one pass over the landing table; then the models.",
        "drain.drain",
    ),
    CommandEntry(
        "match",
        "Match own ad leads to CRM leads and deals: in the copy, then by the portal's own search; then the models.",
        "leads.match",
    ),
    CommandEntry("models", "Build the SQL models and run their tests.", "models.models"),
    CommandEntry("funnel", "Show the funnel of a portal.", "funnel.funnel"),
    CommandEntry(
        "export",
        "Write the rows of a mart; --from and --to go by its first column of days or times.",
        "export.export",
    ),
    CommandEntry(
        "psql",
        "Open PostgreSQL's psql in the database; an embedded one runs as long as psql does.",
        "psql.psql",
        passes_options=True,
    ),
    CommandEntry(
        "dump",
        "Write a backup of the whole database into a file, and say how it is restored.",
        "dump.dump",
    ),
    CommandEntry(
        "serve",
        "Serve the pages to connect portals, the events, and the management calls, until Ctrl-C.",
        "serve.serve",
    ),
    CommandEntry("up", "Run the Dagster UI and daemon, and the HTTP service, until Ctrl-C.", "up.up"),
    CommandEntry(
        "worker",
        "Take runs of Dagster from the broker of B24_BROKER_URL, on this or any other machine, until Ctrl-C.",
        "worker.worker",
    ),
    CommandEntry(
        "status",
        "Portals: their tokens, last syncs, how far behind they are, waiting events, coverage and budget.",
        "status.status",
    ),
    CommandEntry(
        "doctor", "Name what is broken and what to do about it; exit code 1 if anything is.", "doctor.doctor"
    ),
    CommandEntry(
        "sandbox", "Run a local Bitrix24 portal for trying things out, until Ctrl-C.", "sandbox.sandbox"
    ),
    CommandEntry(
        "portal",
        "Connect, list, pause and remove portals; say what is read of them, and whom they call qualified.",
        {
            "add": "portal.add",
            "connect": "portal.connect",
            "list": "portal.show",
            "pause": "portal.pause",
            "resume": "portal.resume",
            "remove": "portal.remove",
            "entities": "portal_entities.entities",
            "qualification": "portal.qualification",
        },
    ),
    CommandEntry(
        "analysts",
        "Read-only roles for analysts and BI tools.",
        {"grant": "analysts.grant", "revoke": "analysts.revoke", "list": "analysts.show"},
    ),
    CommandEntry(
        "access",
        "Keys of people and programs that use the service, and what they changed.",
        {
            "add": "access.add",
            "list": "access.show",
            "revoke": "access.revoke",
            "audit": "access.audit",
        },
    ),
    CommandEntry("leads", "Own ad leads.", {"import": "leads.import_leads"}),
    CommandEntry(
        "keys", "The keys that secrets are encrypted with.", {"new": "keys.new", "rotate": "keys.rotate"}
    ),
)
BY_NAME = {entry.name: entry for entry in COMMANDS}
