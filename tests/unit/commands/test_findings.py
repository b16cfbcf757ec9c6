"""Each broken promise is named, with what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from b24_pipeline.commands.findings import age, findings, waits_for_first_event, without_name
from b24_pipeline.store.checks.coverage import ALWAYS, Proof
from b24_pipeline.store.checks.health import PortalHealth

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ACCOUNT = UUID(int=1)


def proof(entity: str, **fields: Any) -> Proof:
    return replace(Proof(ACCOUNT, entity, *ALWAYS, "reconcile", 10, NOW - timedelta(hours=10)), **fields)


PROVED = tuple(proof(entity) for entity in ("lead", "deal", "contact", "company"))
WELL = PortalHealth(
    account=ACCOUNT,
    name="acme",
    domain="acme.bitrix24.com",
    status="connected",
    reason=None,
    paused_at=None,
    connected_by="oauth",
    token_expires_at=NOW + timedelta(minutes=40),
    refresh_failed_at=None,
    lag_seconds=500,
    read_seconds=200,
    events_due=3,
    due_seconds=1.5,
    events_retried=0,
    events_failed=0,
    last_event_at=NOW,
    proves_events=True,
    bound_events=["ONCRMDEALUPDATE"],
    handler_url="https://b24.example.com/webhooks/bitrix24",
    bound_at=NOW - timedelta(days=3),
    unannounced=0,
    silent_since=None,
    silence_checked_at=NOW,
    budget_seconds=4.0,
    coverage=PROVED,
)


def problems(**state: Any) -> list[str]:
    return [one.problem for one in findings(replace(WELL, **state), NOW)]


def test_a_first_event_is_not_always_expected() -> None:
    """The demo's service begins after its portal is connected; that alone is no finding there, all else is."""
    state = replace(WELL, proves_events=False)
    assert waits_for_first_event(state)
    assert list(findings(state, NOW, expects_events=False)) == []
    (late,) = findings(replace(state, budget_seconds=200.0), NOW, expects_events=False)
    assert "budget" in late.problem


def test_of_a_portal_that_a_person_has_paused_nothing_is_expected() -> None:
    """It is no broken promise that nothing is read; of one that is closed by itself it is."""
    late = {"status": "paused", "reason": "x", "lag_seconds": 10**6, "due_seconds": 10**6}
    assert problems(**late)
    assert problems(**late, paused_at=NOW) == []


def test_nothing_is_wrong_with_a_healthy_portal() -> None:
    """A few events that have just arrived, a burst of requests: all usual."""
    assert problems() == []
    assert problems(connected_by="webhook", bound_events=[], token_expires_at=None, handler_url=None) == []


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (
            {"status": "reauthorization_required", "reason": "invalid_grant"},
            "authorize it again: invalid_grant",
        ),
        ({"status": "reauthorization_required", "connected_by": "webhook"}, "webhook credential has ended"),
        ({"status": "paused", "reason": "PORTAL_DELETED"}, "paused: PORTAL_DELETED"),
        ({"status": "disconnected"}, "it is disconnected"),
        ({"proves_events": False}, "no event of it has been accepted yet"),
        (
            {"proves_events": False, "silent_since": NOW, "unannounced": 5},
            "no event of it has been accepted yet",
        ),
        ({"token_expires_at": NOW - timedelta(days=151)}, "about to end"),
        ({"events_due": 70, "due_seconds": 301.0}, "70 events wait to be drained, the first for 5 min"),
        ({"events_failed": 2}, "2 events were given up"),
        ({"silent_since": NOW, "unannounced": 5}, "5 changes were found by polling"),
        ({"bound_events": []}, "no events of it are bound"),
        ({"coverage": PROVED[1:]}, "lead was never compared"),
        ({"coverage": (*PROVED[1:], proof("lead", proved_at=NOW - timedelta(days=4)))}, "4 days ago"),
        ({"budget_seconds": 200.0}, "budget is used up for 3 min"),
    ],
)
def test_each_broken_promise_is_named(state: dict[str, Any], told: str) -> None:
    """Once, and alone."""
    found = problems(**state)
    assert len(found) == 1
    assert told in found[0]


def test_proof_of_some_days_does_not_grow_old() -> None:
    """A backfill is a moment's work; the whole is what must be compared again."""
    backfill = proof(
        "lead",
        created_from=date(2026, 1, 1),
        created_before=date(2026, 2, 1),
        proved_at=NOW - timedelta(days=90),
    )
    assert problems(coverage=(backfill, *PROVED)) == []


def test_silence_of_an_outgoing_webhook_is_a_persons_work() -> None:
    """Nobody but a person can make one, so the advice differs."""
    silent = replace(WELL, silent_since=NOW, unannounced=5)
    bound = next(findings(silent, NOW))
    assert "https://b24.example.com/webhooks/bitrix24" in bound.advice
    made = next(findings(replace(silent, connected_by="webhook", bound_events=[]), NOW))
    assert "outgoing webhook" in made.advice


def test_the_name_of_a_portal_is_said_once() -> None:
    """The line begins with it, and so does the message of the error."""
    assert without_name("acme", "acme: batch: it did not answer") == "batch: it did not answer"
    assert without_name("acme", "globex: away") == "globex: away"


def test_age_is_told_roughly() -> None:
    """In the unit that a person would take."""
    assert [age(one) for one in (5, 119, 120, 7199, 7200, 90000)] == [
        "5 s",
        "119 s",
        "2 min",
        "119 min",
        "2 h",
        "25 h",
    ]


def test_stages_that_differ_from_the_portal_are_named() -> None:
    """Only where no later change explains it and nothing could be repaired."""
    told: dict[str, Any] = {"stages_checked_at": NOW, "stages_checked": 37, "stages_differing": 2}
    assert problems(**told, stages_wrong=0) == []
    (finding,) = findings(replace(WELL, **told, stages_wrong=2), NOW)
    assert finding.problem == (
        "2 of 37 stages differed from the portal and could not be repaired (2026-11-25 12:00 UTC)"
    )
    assert "b24 reconcile acme --whole" in finding.advice


@pytest.mark.parametrize("name", ["a...b", "acme.", "a....b"])
def test_a_name_that_dagster_takes_for_a_range_is_told(name: str) -> None:
    """Such portals were connected by earlier versions: commands go on, and Dagster leaves them out."""
    (told,) = findings(replace(WELL, name=name), NOW)
    assert "Dagster takes its name for a range of portals and leaves it out" in told.problem
    assert f"b24 portal remove {name} --purge" in told.advice
    assert problems(name="a.b..c-d_e") == []
