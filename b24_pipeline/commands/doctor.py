"""`b24 doctor`: what is broken, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import typer

from b24_pipeline.commands.doctor_facts import Facts, facts_of
from b24_pipeline.commands.findings import Finding, age, findings, waits_for_first_event, without_name
from b24_pipeline.commands.opening import installation
from b24_pipeline.commands.screen import AsJson, output, say, table, write_json
from b24_pipeline.demo_home import is_demo
from b24_pipeline.entities import find
from b24_pipeline.errors import B24Error, DatabaseError, ModelError, PortalUnreachable, SecretKeyError
from b24_pipeline.errors.groups import NOT_TOLD
from b24_pipeline.runtime import Runtime
from b24_pipeline.store.checks import last_syncs as store
from b24_pipeline.store.checks.health import PortalHealth, health
from b24_pipeline.store.database.dagster_schema import failing_jobs
from b24_pipeline.store.marts import own_failures
from b24_pipeline.store.marts.analysts import unlimited
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.outcome import left_out_because
from b24_pipeline.sync.portals.probe import probe

DAEMON_DOWN = timedelta(minutes=10)
"""Dagster's daemon reports twice a minute."""

STALE = timedelta(hours=1)
"""The age from which a watermark is reported. Schedules sync every ten minutes, so several have failed by then."""

OWN_ARE_LATE = timedelta(minutes=5)
"""Whatever knows the folder of own models builds them within a minute after ours."""

FAILED_IN_A_ROW = 3
"""So many runs of a job in a row are reported if all failed within the time of FAILING; one may be a bad moment."""

FAILING = timedelta(hours=1)


def doctor(as_json: AsJson = False) -> None:
    """Name what is broken and what to do about it; exit code 1 if anything is."""
    facts, found = _examine()
    if as_json:
        about = facts.as_json() if facts else None
        findings_told = [asdict(finding) for finding in found]
        write_json({"ok": not found, "findings": findings_told, "installation": about})
    elif found:
        table(("portal", "problem", "what to do"), [(f.portal, f.problem, f.advice) for f in found])
    else:
        output.print("all is well")
    if facts and not as_json:
        say(facts.line())
    if found:
        raise typer.Exit(1)


def _findings(state: PortalHealth, *, in_demo: bool) -> Iterator[Finding]:
    """What is wrong with a portal by the database; that the demo's has sent no event yet is no fault of anything."""
    if in_demo and waits_for_first_event(state):
        say("note: no event of the demo's portal yet: they begin once `b24 demo` has printed its addresses")
    yield from findings(state, datetime.now(UTC), expects_events=not in_demo)


def _examine() -> tuple[Facts | None, list[Finding]]:
    """What the installation is, if its database can be used, and what is broken."""
    facts, found = None, list[Finding]()
    try:
        with installation() as opened:
            facts = facts_of(opened)
            found.extend(_examine_portals(opened, facts))
    except DatabaseError as error:
        found.append(Finding("", str(error), "see the message"))
    return facts, found


def _examine_portals(opened: Runtime, facts: Facts) -> Iterator[Finding]:
    # asked first: it may renew a token, or find that it cannot be renewed any more
    asked = {portal.name: _ask(opened, portal) for portal in opened.portals.all()}
    with opened.warehouse.connect() as connection:
        syncs = store.last_syncs(connection)
        failed = store.failed_comparisons(connection)
        states = {portal.name: portal for portal in health(connection)}
        built = store.models_built(connection)
    portals = [portal for portal in opened.portals.all() if portal.name in states]
    if not portals:
        yield Finding("", "no portal is connected", "b24 portal add NAME")
    for portal in portals:
        yield from _findings(states[portal.name], in_demo=is_demo(opened.settings.b24_home))
        if portal.status != "connected":
            continue  # that is the cause, and all else follows from it
        answers, warnings = asked.get(portal.name, (True, []))
        yield from warnings
        if answers:
            of_portal = [sync for sync in syncs if sync["portal"] == portal.name]
            yield from _examine_syncs(portal, of_portal)
            if of_portal and not {"lead", "deal"} & {sync["entity_type"] for sync in of_portal}:
                yield Finding(portal.name, "no lead or deal of it was ever read", f"b24 sync {portal.name}")
    for comparison in failed:
        yield Finding(
            comparison["portal"],
            f"the last comparison of {comparison['entity_type']} failed: "
            f"{without_name(comparison['portal'], comparison['error_message'])}",
            f"b24 reconcile {comparison['portal']}",
        )
    if any(sync["sync_status"] == "success" for sync in syncs) and not built:
        yield Finding("", "the SQL models were never built", "b24 models")
    yield from _examine_daemon(facts, states.values())
    yield from _examine_runs(opened)
    yield from _examine_own_models(opened)
    for role in unlimited(opened.warehouse):
        yield Finding("", f"the analysts' role {role} lacks its limits", f"b24 analysts grant {role}")


def _examine_daemon(facts: Facts, states: Iterable[PortalHealth]) -> Iterator[Finding]:
    """Whoever reads by cron needs no daemon: one that is down is told where portals are old."""
    lags = [state.lag_seconds or 0 for state in states if state.status == "connected"]
    is_down = facts.daemon_seconds is not None and facts.daemon_seconds > DAEMON_DOWN.total_seconds()
    if is_down and max(lags, default=0) > STALE.total_seconds():
        last = age(facts.daemon_seconds or 0)
        yield Finding("", f"Dagster's daemon reported {last} ago for the last time", "start it: b24 up")


def _examine_runs(opened: Runtime) -> Iterator[Finding]:
    """A run may fail before it reads anything of a portal, and then nothing else tells of it."""
    with opened.warehouse.connect() as connection:
        failing = failing_jobs(connection, least=FAILED_IN_A_ROW, within=FAILING)
    for job in failing:
        yield Finding(
            "",
            f"the last {job.runs} runs of {job.name} failed, the last {age(job.seconds)} ago",
            "Dagster's UI, Runs, says why",
        )


def _examine_own_models(opened: Runtime) -> Iterator[Finding]:
    from b24_pipeline.models import (
        OWN_SCHEMA,
        behind_since,
        load_own_models,
        load_project,
        stored_own_models,
    )

    folder = opened.settings.b24_models_path
    if not folder:
        with opened.warehouse.connect() as connection:
            if stored_own_models(connection):
                problem = f"the models in {OWN_SCHEMA} are not built, because B24_MODELS_PATH is not set"
                yield Finding("", problem, "put B24_MODELS_PATH into .env")
        return
    ours = load_project()
    try:
        own = load_own_models(folder, ours)
    except ModelError as error:
        yield Finding("", f"own models: {error}", "mend it, then `b24 models`")
        return
    with opened.warehouse.connect() as connection:
        failed = own_failures.failures(connection)
        since = behind_since(connection, ours, own)
        is_built = own.models.keys() & {*stored_own_models(connection)}
    for model in own.models.keys() & failed.keys():
        yield Finding("", f"own model {model}: {failed[model]}", "mend it, then `b24 models`")
    ago = datetime.now(UTC) - since if since else timedelta()
    if ago > OWN_ARE_LATE and not failed:
        yield _late_models(age(ago.total_seconds())) if is_built else _NEVER_BUILT


_NEVER_BUILT = Finding(
    "",
    "no own model was built yet: that is done after the next change of a mart, by what knows B24_MODELS_PATH",
    "`b24 models` builds them now; restart what runs since before it was set (`b24 up`, `b24 serve`, Dagster)",
)


def _late_models(ago: str) -> Finding:
    return Finding(
        "",
        f"own models are older than the marts, which were built {ago} ago without them: by a process that does not "
        "know B24_MODELS_PATH, or the files of today",
        "`b24 models` now, and restart what builds them (`b24 up`, `b24 serve`, Dagster)",
    )


def _ask(opened: Runtime, portal: Portal) -> tuple[bool, list[Finding]]:
    """Asks the portal by our credential: whether it answers, and what the answer warns of."""
    if portal.status != "connected":
        return False, []
    try:
        with opened.connections.client(portal) as client:
            found = probe(client)
    except B24Error as error:
        told = without_name(portal.name, str(error))
        return False, [Finding(portal.name, told, _advice(opened, portal, error))]
    advice = "give the credential's owner more rights, or accept it"
    return True, [Finding(portal.name, warning, advice) for warning in found.warnings]


def _advice(opened: Runtime, portal: Portal, error: B24Error) -> str:
    """What to do about a portal that cannot be asked, where the message alone does not say it."""
    if isinstance(error, PortalUnreachable) and is_demo(opened.settings.b24_home):
        return "start `b24 demo` again: its portal runs only while it does"
    if isinstance(error, SecretKeyError):
        again = (
            f"b24 portal connect {portal.name} {portal.domain}"
            if portal.connected_by == "oauth"
            else f"b24 portal add {portal.name}, with its credential again"
        )
        return f"where the old key is lost: {again}; no row is lost"
    return "mend what the message says, then `b24 doctor` again"


def _after(portal: Portal, sync: dict[str, Any], again: str) -> str:
    """What to do about a sync that failed: of what was chosen, and the portal refuses, each would fail again."""
    entity = sync["entity_type"].removesuffix("_history")
    known = find(entity)
    if known is None or known.part is None or sync["error_code"] not in {one.__name__ for one in NOT_TOLD}:
        return again
    return f"b24 portal entities {portal.name} --remove {entity}, or mend what the message says"


def _examine_syncs(portal: Portal, syncs: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    if not syncs:
        yield Finding(portal.name, "it was never synced", f"b24 sync {portal.name}")
    now = datetime.now(UTC)
    for sync in syncs:
        entity, again = sync["entity_type"], f"b24 sync {portal.name}"
        if sync["sync_status"] == "failed" and sync["sync_type"] != "reconcile":
            reason = without_name(portal.name, sync["error_message"])
            yield Finding(
                portal.name, f"the last sync of {entity} failed: {reason}", _after(portal, sync, again)
            )
        elif sync["is_abandoned"]:
            yield Finding(
                portal.name, f"the last sync of {entity} was cut off", f"{again} (it goes on from there)"
            )
        if sync["cursor_watermark"] and now - sync["cursor_watermark"] > STALE:
            behind = age((now - sync["cursor_watermark"]).total_seconds())
            yield Finding(portal.name, f"{entity} is {behind} behind", f"{again}, or `b24 up` for schedules")
        if sync["values_set_aside"]:
            yield Finding(
                portal.name,
                f"{sync['values_set_aside']} values of {entity} could not be stored as they came",
                "look at the columns extra and custom_fields of these rows",
            )
        if sync["rows_left_out"]:
            yield Finding(
                portal.name,
                f"{sync['rows_left_out']} rows of {entity} were left out: {left_out_because(entity)}",
                "nothing is stored of them; ask Bitrix24's support why the portal sends such rows",
            )
