"""`b24 worker`: takes runs of Dagster from a broker, so that several machines read the portals."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from b24_pipeline.commands.dagster_home import dagster_home
from b24_pipeline.commands.opening import chosen_settings
from b24_pipeline.commands.screen import say
from b24_pipeline.errors import UsageError
from b24_pipeline.settings import child_environment, given_dagster_home

RUNS = 6
"""As many runs as dagster.yaml lets begin at once: one worker alone keeps none of them waiting."""


def worker(
    runs: Annotated[
        int,
        typer.Option(min=1, max=50, help="Runs at once; each is a process of up to 25 portals."),
    ] = RUNS,
) -> None:
    """Take runs of Dagster from the broker of B24_BROKER_URL, on this or any other machine, until Ctrl-C."""
    from b24_pipeline.defs.instance.broker import broker_name, require_broker, require_packages
    from b24_pipeline.runtime import opened

    settings = chosen_settings(own=True)
    if settings.b24_broker_url is None:
        raise UsageError("B24_BROKER_URL is not set: workers take runs from the broker that it names")
    if settings.database_url is None:
        raise UsageError("DATABASE_URL is not set: workers share a database that all their machines reach")
    require_packages()
    broker = settings.b24_broker_url.get_secret_value()
    with opened(settings):
        require_broker(broker)
    # an image, and a project of one's own, have a home with a dagster.yaml already
    home = given_dagster_home() or dagster_home(settings)
    say(f"b24 worker: takes runs from {broker_name(broker)}, {runs} at once (Ctrl-C stops it)")
    command = [sys.executable, "-W", "ignore", "-m", "b24_pipeline.defs.instance.celery_worker", str(runs)]
    # in the place of this process: what was opened here is not for the copies of that one
    os.execve(sys.executable, command, child_environment(settings, DAGSTER_HOME=str(home)))  # noqa: S606
