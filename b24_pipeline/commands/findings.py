"""What is broken in a portal, by what the database knows of it, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from b24_pipeline.store.checks.coverage import PROOF_LASTS
from b24_pipeline.store.checks.health import PortalHealth
from b24_pipeline.store.portals.portal_names import fits_dagster

BACKLOG = timedelta(minutes=5)
"""The age from which waiting events are reported: they are drained within a second, in a quiet portal within ten."""

UNUSED_TOKEN = timedelta(days=150)
"""A refresh token that is not used ends after 180 days (docs/bitrix24-rest.md, section 2)."""

CROWDED = timedelta(seconds=60)
"""The queue of requests, in seconds, from which it is reported; a full bucket is 25 s of requests."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is broken: in which portal, what is wrong, and what to do."""

    portal: str
    problem: str
    advice: str


def without_name(portal: str, message: object) -> str:
    """The message of an error without the name of its portal, for a line that begins with it."""
    return str(message).removeprefix(f"{portal}: ")


def findings(portal: PortalHealth, now: datetime, *, expects_events: bool = True) -> Iterator[Finding]:
    """Everything that is wrong with a portal, by the database alone: nothing is asked of the portal.

    Of one that a person has paused nothing is expected. `expects_events`: one without a first event is told.
    """
    if portal.is_held:
        return
    for rule in _RULES:
        if rule is _unheard and not expects_events:
            continue
        for problem, advice in rule(portal, now):
            yield Finding(portal.name, problem, advice)


Problems = Iterator[tuple[str, str]]


def _credential(portal: PortalHealth, _now: datetime) -> Problems:
    if portal.status == "connected":
        return
    why = f": {portal.reason}" if portal.reason else ""
    connect = f"b24 portal connect {portal.name} {portal.domain}"
    if portal.status == "reauthorization_required" and portal.connected_by == "webhook":
        yield f"its webhook credential has ended{why}", f"b24 portal add {portal.name}"
    elif portal.status == "reauthorization_required":
        yield f"a person must authorize it again{why}", f"`{connect}`, then open the link it prints"
    elif portal.status == "paused":
        yield f"it is paused{why}", "mend what the reason says, then connect it again"
    else:
        yield f"it is {portal.status}{why}", f"`{connect}`, or b24 portal add {portal.name}"


def _token(portal: PortalHealth, now: datetime) -> Problems:
    if (
        portal.status == "connected"
        and portal.token_expires_at
        and now - portal.token_expires_at > UNUSED_TOKEN
    ):
        yield "its token was not used for months and is about to end", f"b24 sync {portal.name}"


def _backlog(portal: PortalHealth, _now: datetime) -> Problems:
    if portal.due_seconds > BACKLOG.total_seconds():
        yield (
            f"{portal.events_due} events wait to be drained, the first for {age(portal.due_seconds)}",
            "b24 drain, or `b24 up` for the sensor; where that runs, Dagster's UI, Runs, says what failed",
        )


def _given_up(portal: PortalHealth, _now: datetime) -> Problems:
    if portal.events_failed:
        yield (
            f"{portal.events_failed} events were given up after several attempts",
            "look at the column error of bitrix24_webhook_events, mend it, then b24 drain --replay --since T",
        )


def _unheard(portal: PortalHealth, _now: datetime) -> Problems:
    if portal.status == "connected" and waits_for_first_event(portal):
        yield (
            "no event of it has been accepted yet",
            f"change a deal in the portal; if none comes, {portal.handler_url} does not reach `b24 serve` from outside",
        )


def waits_for_first_event(portal: PortalHealth) -> bool:
    """Whether its events are bound and none has been accepted yet."""
    return bool(portal.bound_events) and not portal.proves_events


def _silence(portal: PortalHealth, _now: datetime) -> Problems:
    if not portal.silent_since or waits_for_first_event(portal):
        return
    problem = (
        f"{portal.unannounced} changes were found by polling that no event announced "
        f"(noticed {portal.silent_since:%Y-%m-%d %H:%M} UTC)"
    )
    if portal.bound_events:
        yield (
            problem,
            f"its events are bound again by themselves; does {portal.handler_url} reach `b24 serve` from outside?",
        )
    else:
        yield problem, "is its outgoing webhook still there, with the right address and these events?"


def _bindings(portal: PortalHealth, _now: datetime) -> Problems:
    if portal.status == "connected" and portal.connected_by == "oauth" and not portal.bound_events:
        yield (
            "no events of it are bound: changes come with the next sync only",
            f"`b24 portal connect {portal.name} {portal.domain}` binds them",
        )


def _coverage(portal: PortalHealth, now: datetime) -> Problems:
    if portal.status != "connected" or portal.read_seconds is None:
        return  # `b24 doctor` reports a portal that was never synced by itself
    for entity in portal.not_synced:
        yield f"{entity} was never compared with the portal as a whole", f"b24 reconcile {portal.name}"
    for proof in portal.coverage:
        if proof.is_whole and now - proof.proved_at > PROOF_LASTS:
            days = (now - proof.proved_at).days
            yield (
                f"{proof.entity_type} was last compared with the portal {days} days ago",
                f"b24 reconcile {portal.name}, or `b24 up` for the nightly one",
            )


def _agreement(portal: PortalHealth, _now: datetime) -> Problems:
    if portal.stages_wrong and portal.stages_checked_at:
        yield (
            f"{portal.stages_wrong} of {portal.stages_checked} stages differed from the portal and could not be "
            f"repaired ({portal.stages_checked_at:%Y-%m-%d %H:%M} UTC)",
            f"b24 reconcile {portal.name} --whole, with --accept-deletions if the rows that it says are gone were "
            "really deleted; the column explanation of reconciliation says what differs",
        )


def _budget(portal: PortalHealth, _now: datetime) -> Problems:
    if portal.budget_seconds > CROWDED.total_seconds():
        yield (
            f"its request budget is used up for {age(portal.budget_seconds)}",
            "wait; if it stays so, another program shares this portal's limit from our address",
        )


def _name(portal: PortalHealth, _now: datetime) -> Problems:
    if portal.status == "connected" and not fits_dagster(portal.name):
        yield (
            "Dagster takes its name for a range of portals and leaves it out; commands read it",
            f"b24 portal remove {portal.name} --purge, then connect it under a name without '...' and sync it",
        )


_RULES = (
    _credential,
    _name,
    _token,
    _backlog,
    _given_up,
    _unheard,
    _silence,
    _bindings,
    _coverage,
    _agreement,
    _budget,
)


def age(seconds: float) -> str:
    """A duration in seconds as a person says it, roughly: `3 h`."""
    minutes = max(0, int(seconds // 60))
    if minutes < 2:
        return f"{max(0, int(seconds))} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
