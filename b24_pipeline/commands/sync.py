"""`b24 sync`, `b24 backfill` and `b24 reconcile`: read portals, then build the models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from b24_pipeline.commands.models import build_models
from b24_pipeline.commands.opening import installation
from b24_pipeline.commands.screen import complain, progress, say, say_left_out, table
from b24_pipeline.errors import PortalPaused, UsageError, WrongDates
from b24_pipeline.runtime import Runtime
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.crm.scope import Days
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.outcome import Outcome, left_out_because
from b24_pipeline.sync.run import (
    COHORT_ENTITIES,
    ENTITIES,
    SyncRequest,
    backfill_portals,
    known_entities,
    reconcile_portals,
    sync_portals,
)

if TYPE_CHECKING:
    from b24_pipeline.models import BuildResult

Entities = Annotated[
    list[str] | None,
    typer.Option(
        "--entity",
        "-e",
        help=f"Only this: {', '.join(ENTITIES)}, or an entity that was chosen by b24 portal entities. Repeatable.",
    ),
]
AcceptDeletions = Annotated[
    bool, typer.Option("--accept-deletions", help="Mark rows as deleted even if many have vanished.")
]
NoModels = Annotated[bool, typer.Option("--no-models", help="Do not build the SQL models afterwards.")]


Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME...", help="Portals; all connected ones if none.", show_default=False),
]


def sync(
    names: Names = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything, and find what was deleted.")] = False,
    entity: Entities = None,
    since: Annotated[str | None, typer.Option(help="Read what was modified since this time (ISO).")] = None,
    no_models: NoModels = False,
    accept_deletions: AcceptDeletions = False,
) -> None:
    """Sync portals: what changed since the last time, or all; then the models."""
    if full and since:
        raise UsageError("--full reads everything, --since a part: choose one")
    wanted = known_entities(entity or [])
    with installation() as opened:
        portals = chosen_portals(opened, names or [])
        request = SyncRequest(wanted, full, moment(since, portals) if since else None)
        _work(
            opened,
            accept_deletions,
            no_models,
            lambda options: sync_portals(opened.connections, portals, request, options),
        )


def backfill(
    name: Annotated[str, typer.Argument(help="The portal.")],
    first: Annotated[str, typer.Option("--from", help="First day of creation (YYYY-MM-DD).")],
    last: Annotated[str, typer.Option("--to", help="Last day of creation, included.")],
    entity: Entities = None,
    no_models: NoModels = False,
    accept_deletions: AcceptDeletions = False,
) -> None:
    """Read again what was created on these days, and find what was deleted since."""
    days = Days(day(first), day(last))
    wanted = known_entities(entity or [])
    unfit = [entity for entity in wanted if entity in ENTITIES and entity not in COHORT_ENTITIES]
    if unfit:
        raise UsageError(f"{unfit[0]} is always read whole: `b24 sync --entity {unfit[0]}`")
    with installation() as opened:
        portals = chosen_portals(opened, [name])
        _work(
            opened,
            accept_deletions,
            no_models,
            lambda options: backfill_portals(opened.connections, portals, days, wanted, options),
        )


def reconcile(
    names: Names = None,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole", help="Compare every field of every row, not only counts; once a week it does anyway."
        ),
    ] = False,
    no_models: NoModels = False,
    accept_deletions: AcceptDeletions = False,
) -> None:
    """Compare with the portals by counting; fetch what was missed, mark what is gone as deleted."""
    with installation() as opened:
        portals = chosen_portals(opened, names or [])
        _work(
            opened,
            accept_deletions,
            no_models,
            lambda options: reconcile_portals(opened.connections, portals, options, whole=whole),
            show_differences,
        )


def chosen_portals(opened: Runtime, names: Sequence[str]) -> list[Portal]:
    """The named portals, or all connected ones, without those that a person has paused, which it says.

    Raises UsageError where one is disconnected, or none can be read.
    """
    portals = without_held(opened, names)
    for portal in portals:
        if portal.status == "disconnected":
            raise UsageError(
                f"{portal.name} is disconnected; connect it again with `b24 portal add {portal.name}`"
            )
    if not portals:
        raise UsageError(_why_none(opened.portals.all()))
    return portals


def without_held(opened: Runtime, names: Sequence[str]) -> list[Portal]:
    """The named portals, or all connected ones; a line for each that is left out because a person has paused it."""
    named = opened.portals.named(list(names))
    for portal in named if names else opened.portals.all():
        if portal.is_held:
            say(str(PortalPaused(portal.name)))
    return [portal for portal in named if not portal.is_held]


def _why_none(portals: Sequence[Portal]) -> str:
    """Why no portal can be read, and what to do."""
    if not portals:
        return "no portal is connected; connect one with: b24 portal add NAME"
    if all(portal.is_held for portal in portals):
        names = ", ".join(portal.name for portal in portals)
        return f"no portal is read: paused are {names}; go on with: b24 portal resume {portals[0].name}"
    states = ", ".join(f"{portal.name} is {portal.status.replace('_', ' ')}" for portal in portals)
    return (
        f"no portal can be read: {states}; `b24 doctor` says what to do, and a portal that is named is tried"
    )


def _work(
    opened: Runtime,
    accept_deletions: bool,
    no_models: bool,
    work: Callable[[Options], list[Outcome]],
    show: Callable[[Sequence[Outcome]], None] | None = None,
) -> None:
    with progress() as counted:
        outcomes = work(opened.options(progress=counted, accept_deletions=accept_deletions))
    (show or show_outcomes)(outcomes)
    built = None if no_models else build_models(opened, only_changed=True)
    tell_dagster(opened, outcomes, built)
    complaints = Counter(
        str(error) for outcome in outcomes for error in (outcome.error, outcome.question) if error
    )
    for complaint, times in complaints.items():
        complain(complaint if times == 1 else f"{complaint} ({times} times)")
    if complaints:
        raise typer.Exit(1)
    if built:
        built.raise_for_own_models()


def tell_dagster(opened: Runtime, outcomes: Sequence[Outcome], built: BuildResult | None) -> None:
    """Reports work that was done outside of Dagster, where Dagster is in use, so that its catalogue stays true."""
    from b24_pipeline.store.database.dagster_schema import is_set_up

    with opened.warehouse.connect() as connection:
        in_use = is_set_up(connection)
    if in_use:
        from b24_pipeline.defs.instance.runless import report_outcomes

        report_outcomes(opened.settings, outcomes, built)


def show_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Prints the table that a sync ends with: one line an outcome."""
    titles = ("portal", "entity", "sync", "rows read", "rows changed", "deleted", "requests", "seconds", "")
    rows = [
        (
            outcome.portal,
            outcome.entity,
            outcome.sync_type,
            outcome.rows_read,
            outcome.rows_changed,
            outcome.rows_deleted,
            outcome.requests,
            outcome.seconds,
            _ending(outcome),
        )
        for outcome in outcomes
    ]
    say_left_out(table(titles, rows, right=(3, 4, 5, 6, 7), gives_way=(6, 7, 2)))
    aside = sum(outcome.values_set_aside for outcome in outcomes)
    if aside:
        say(f"note: {aside} values could not be stored as they came; see the columns extra and custom_fields")
    for outcome in outcomes:
        if outcome.rows_left_out:
            say(
                f"note: {outcome.portal}: {outcome.rows_left_out} rows of {outcome.entity} were left out: "
                f"{left_out_because(outcome.entity)}"
            )


def show_differences(outcomes: Sequence[Outcome]) -> None:
    """Prints the table that a reconciliation ends with: what differed from the portal."""
    titles = ("portal", "entity", "missing", "outdated", "gone", "brought by sync", "requests", "seconds", "")
    rows = []
    for outcome in outcomes:
        compared = outcome.sync_type == "reconcile"
        differed = (outcome.missing, outcome.outdated, outcome.rows_deleted) if compared else (None,) * 3
        brought = None if compared else outcome.rows_changed
        rows.append(
            (
                outcome.portal,
                outcome.entity,
                *differed,
                brought,
                outcome.requests,
                outcome.seconds,
                _ending(outcome),
            )
        )
    table(titles, rows, right=(2, 3, 4, 5, 6, 7))


def _ending(outcome: Outcome) -> str:
    if outcome.question:
        return "asks"
    return "" if outcome.worked else "failed"


def day(text: str) -> date:
    """Reads a day of the command line (YYYY-MM-DD). Raises WrongDates."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongDates(f"{text!r} is no day; expected YYYY-MM-DD") from None


def moment(text: str, portals: Sequence[Portal]) -> datetime:
    """Reads a time of the command line (ISO 8601); without a zone it is in the first portal's. Raises WrongDates."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongDates(f"{text!r} is no time; expected YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(portals[0].time_zone))
