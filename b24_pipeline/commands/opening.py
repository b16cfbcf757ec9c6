"""Opens the installation that a command works on, and says which database that is where there are several."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from b24_pipeline import runtime
from b24_pipeline.commands.screen import say
from b24_pipeline.demo_home import which_database
from b24_pipeline.errors import DatabaseError, OnlyReadsMarts
from b24_pipeline.runtime import Runtime
from b24_pipeline.settings import Settings, misspelt_settings, own_settings, read_settings, settings
from b24_pipeline.store.database.rights import reads_marts_alone
from b24_pipeline.store.database.warehouse import Warehouse

_SAID = "b24.misspelt_settings_said"


@contextmanager
def installation(
    *, own: bool = False, without_portals: bool = False, looks_once: bool = False, without_locks: bool = False
) -> Iterator[Runtime]:
    """The opened installation.

    `own`: the command begins something of the user's own, so the demo's database is not taken for it.
    `without_portals`: it makes sense before there is a portal, so the user's own database is taken once there is one.
    `looks_once`: it needs a connection or two. `without_locks`: it works through a pooler of transactions, too.
    Raises DatabaseError, SettingsError, SecretKeyError, OnlyReadsMarts for a role of an analyst that has no keys, and
    UsageError where B24_HOME names a folder that has none.
    """
    chosen = chosen_settings(own=own, without_portals=without_portals)
    _refuse_readers(chosen)
    with runtime.opened(chosen, looks_once=looks_once, without_locks=without_locks) as opened:
        yield opened


def _refuse_readers(chosen: Settings) -> None:
    """Whoever reads the marts alone is told what works, and not to make keys, which would not help."""
    if not chosen.database_url or chosen.b24_secret_keys:
        return
    warehouse = Warehouse(chosen.database_url.get_secret_value(), looks_once=True)
    try:
        with warehouse.connect(looks=True) as connection:
            is_reader = reads_marts_alone(connection)
    except DatabaseError:
        return  # the keys are missing, whatever else is
    finally:
        warehouse.close()
    if is_reader:
        raise OnlyReadsMarts(_this_command())


def _this_command() -> str:
    """The command as a person writes it, however this program was called."""
    context, names = click.get_current_context(), list[str]()
    while context.parent:
        names.insert(0, context.info_name or "")
        context = context.parent
    return " ".join(["b24", *names])


@contextmanager
def database_to_read() -> Iterator[Warehouse]:
    """The database alone, for a command that an analyst's role runs, too: see `runtime.opened_to_read`."""
    with runtime.opened_to_read(chosen_settings()) as warehouse:
        yield warehouse


def chosen_settings(*, own: bool = False, without_portals: bool = False) -> Settings:
    """The settings of a command, with notes of what a person has to know about them.

    Which database is used, where another one lies in the same folder; which variable was meant for a setting.
    """
    note_misspelt_settings()
    chosen = own_settings() if own else settings() if without_portals else runtime.settings_of_data()
    if not own:
        runtime.require_database(chosen)
    given = read_settings()
    url = given.database_url.get_secret_value() if given.database_url else None
    note = which_database(chosen.b24_home, given.b24_home, url=url, is_named=given.has_home)
    if note:
        say(f"note: {note}")
    return chosen


def note_misspelt_settings() -> None:
    """A note for each variable that was meant for a setting; once a command, before it says what is missing."""
    said = click.get_current_context().find_root().meta
    if not said.setdefault(_SAID, False):
        said[_SAID] = True
        for line in misspelt_settings():
            say(f"note: {line}")
