"""`b24 drain`: one pass over the inbound events that have landed."""

from __future__ import annotations

from typing import Annotated

import typer

from b24_pipeline.commands.models import build_models
from b24_pipeline.commands.opening import installation
from b24_pipeline.commands.screen import complain, output, progress, say
from b24_pipeline.commands.sync import NoModels, moment, show_outcomes, tell_dagster, without_held
from b24_pipeline.errors import UsageError
from b24_pipeline.sync.events.drain import drain as drain_events
from b24_pipeline.sync.events.drain import replay as replay_events


def drain(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Portals; all connected ones if none.", show_default=False),
    ] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Drain again what landed since --since.")] = False,
    since: Annotated[str | None, typer.Option(help="With --replay: since this time (ISO).")] = None,
    no_models: NoModels = False,
) -> None:
    """Read what the inbound events name: one pass over the landing table; then the models."""
    if replay != (since is not None):
        raise UsageError("--replay and --since TIME belong together")
    with installation() as opened:
        portals = without_held(opened, names or [])
        if since and portals:
            again = replay_events(opened.connections, moment(since, portals), portals)
            say(f"{again} events are drained again")
        with progress() as counted:
            outcomes = drain_events(opened.connections, opened.options(progress=counted), portals=portals)
        if not outcomes:
            output.print("no event is due")
            return
        show_outcomes(outcomes)
        changed = any(outcome.rows_changed or outcome.rows_deleted for outcome in outcomes)
        built = build_models(opened, only_changed=True) if changed and not no_models else None
        tell_dagster(opened, outcomes, built)
    failed = [outcome for outcome in outcomes if not outcome.worked]
    for outcome in failed:
        complain(str(outcome.error))
    if failed:
        raise typer.Exit(1)
    if built:
        built.raise_for_own_models()
