"""`b24 status` and `b24 doctor`: what is true now, and which promise is broken."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import orjson
import typer

from b24_pipeline import runtime
from b24_pipeline.commands.screen import output, say, table
from b24_pipeline.errors import B24Error, DatabaseError
from b24_pipeline.runtime import Runtime
from b24_pipeline.settings import settings
from b24_pipeline.store import state as store
from b24_pipeline.store.portals import Portal
from b24_pipeline.sync.probe import probe

STALE = timedelta(hours=1)
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def status(as_json: AsJson = False) -> None:
    """Portals, their last syncs, how far behind they are, and their budget."""
    with runtime.opened(settings()) as opened, opened.warehouse.connect() as connection:
        portals = opened.portals.all()
        syncs = store.last_syncs(connection)
        domains = {portal.domain for portal in portals}
        buckets = [one for one in store.buckets(connection) if one["bucket"].partition("/")[0] in domains]
        place = opened.warehouse.place
    if as_json:
        found = {"database": place, "portals": list(map(_portal, portals)), "syncs": syncs, "budget": buckets}
        _write(found)
        return
    output.print(f"database: {place}\n", soft_wrap=True)
    table(("portal", "domain", "status"), [(p.name, p.domain, p.status) for p in portals])
    if not syncs:
        say("nothing has been synced yet; run `b24 sync`")
        return
    output.print()
    titles = ("portal", "entity", "sync", "result", "rows read", "changed", "finished", "complete up to")
    table(titles, list(map(_line, syncs)), right=(4, 5))
    for bucket in buckets:
        output.print(f"\nbudget of {bucket['bucket']}: {bucket['seconds_full']:.1f} s of requests are queued")


def _portal(portal: Portal) -> dict[str, Any]:
    return {
        "name": portal.name,
        "domain": portal.domain,
        "status": portal.status,
        "entity_type": portal.entity_type,
        "plan": portal.plan,
        "time_zone": portal.time_zone,
    }


def _line(sync: dict[str, Any]) -> tuple[Any, ...]:
    return (
        sync["portal"],
        sync["entity_type"],
        sync["sync_type"],
        sync["sync_status"],
        sync["rows_read"],
        sync["rows_changed"],
        sync["finished_at"],
        sync["cursor_watermark"],
    )


def _age(age: timedelta) -> str:
    minutes = max(0, int(age.total_seconds() // 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken promise: of which portal, what is wrong, and what to do."""

    portal: str
    problem: str
    advice: str


def doctor(as_json: AsJson = False) -> None:
    """Name each broken promise and what to do; exit 1 if there is one."""
    findings = list(_examine())
    if as_json:
        _write({"ok": not findings, "findings": [asdict(finding) for finding in findings]})
    elif findings:
        table(("portal", "problem", "what to do"), [(f.portal, f.problem, f.advice) for f in findings])
    else:
        output.print("all is well")
    if findings:
        raise typer.Exit(1)


def _examine() -> Iterator[Finding]:
    try:
        with runtime.opened(settings()) as opened:
            yield from _examine_portals(opened)
    except DatabaseError as error:
        yield Finding("", str(error), "see the message")


def _examine_portals(opened: Runtime) -> Iterator[Finding]:
    with opened.warehouse.connect() as connection:
        syncs = store.last_syncs(connection)
        built = store.models_built(connection)
    portals = opened.portals.all()
    if not portals:
        yield Finding("", "no portal is connected", "b24 portal add NAME --webhook-url URL")
    for portal in portals:
        own = [sync for sync in syncs if sync["portal"] == portal.name]
        yield from _examine_credential(opened, portal)
        yield from _examine_syncs(portal, own)
    if any(sync["sync_status"] == "success" for sync in syncs) and not built:
        yield Finding("", "the SQL models were never built", "b24 models")


def _examine_credential(opened: Runtime, portal: Portal) -> Iterator[Finding]:
    if portal.status != "connected":
        yield Finding(
            portal.name, f"it is {portal.status}", f"b24 portal add {portal.name} --webhook-url URL"
        )
        return
    try:
        with opened.connections.client(portal) as client:
            found = probe(client)
    except B24Error as error:
        yield Finding(portal.name, str(error), "mend what the message says, then `b24 doctor` again")
        return
    for warning in found.warnings:
        yield Finding(portal.name, warning, "give the credential's owner more rights, or accept it")


def _examine_syncs(portal: Portal, syncs: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    if not syncs:
        yield Finding(portal.name, "it was never synced", f"b24 sync {portal.name}")
    now = datetime.now(UTC)
    for sync in syncs:
        entity, again = sync["entity_type"], f"b24 sync {portal.name}"
        if sync["sync_status"] == "failed":
            yield Finding(portal.name, f"the last sync of {entity} failed: {sync['error_message']}", again)
        elif sync["is_abandoned"]:
            yield Finding(
                portal.name, f"the last sync of {entity} was cut off", f"{again} (it goes on from there)"
            )
        if sync["cursor_watermark"] and now - sync["cursor_watermark"] > STALE:
            age = _age(now - sync["cursor_watermark"])
            yield Finding(portal.name, f"{entity} is {age} behind", f"{again}, or `b24 up` for schedules")
        if sync["values_set_aside"]:
            yield Finding(
                portal.name,
                f"{sync['values_set_aside']} values of {entity} did not fit their column",
                "look at the column extra of these rows",
            )


def _write(answer: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(answer, default=str, option=orjson.OPT_INDENT_2).decode() + "\n")
