"""`b24 status`: the state of portals, syncs, coverage and budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from b24_pipeline.commands.findings import age
from b24_pipeline.commands.opening import installation
from b24_pipeline.commands.screen import AsJson, output, say, say_left_out, shown, table, write_json
from b24_pipeline.errors import PortalPaused
from b24_pipeline.store.checks import last_syncs as store
from b24_pipeline.store.checks.coverage import Proof
from b24_pipeline.store.checks.health import PortalHealth, health
from b24_pipeline.store.portals import entity_choice
from b24_pipeline.store.portals.portal import Portal


def status(as_json: AsJson = False) -> None:
    """Portals: their tokens, last syncs, how far behind they are, waiting events, coverage and budget."""
    with installation(looks_once=True, without_locks=True) as opened:
        portals = opened.portals.all()
        domains = {portal.domain for portal in portals}
        with opened.warehouse.connect() as connection:
            states = health(connection)
            syncs = store.last_syncs(connection)
            figures = store.figures_counted(connection)
            not_chosen = entity_choice.not_chosen(connection)
            buckets = [
                bucket
                for bucket in store.buckets(connection)
                if bucket["bucket"].partition("/")[0] in domains
            ]
        place = opened.warehouse.place
    if as_json:
        known = {portal.name: portal for portal in states}
        found = [
            _portal(portal) | _health(known[portal.name]) | {"not_chosen": not_chosen.get(portal.id, [])}
            for portal in portals
            if portal.name in known
        ]
        write_json(
            {"database": place, "portals": found, "syncs": syncs, "budget": buckets, "figures": figures}
        )
        return
    output.print(f"database: {place}\n", soft_wrap=True, markup=False)
    _show_portals(states)
    if not portals:
        say("no portal is connected; connect one with: b24 portal add NAME")
        return
    if not syncs:
        say("nothing has been synced yet; run `b24 sync`")
        return
    _show_syncs(syncs)
    _show_coverage(states)
    _show_figures(figures, sum(portal.events_due for portal in states))
    for portal in portals:
        _say_not_chosen(portal.name, not_chosen.get(portal.id, []))


def _say_not_chosen(portal: str, entities: Sequence[str]) -> None:
    """Announces smart processes that nobody has chosen: they are neither read in silence nor passed over."""
    if entities:
        say(
            f"{portal} has {', '.join(entities)}, not read; choose with: b24 portal entities {portal} --add ENTITY"
        )


def _show_portals(states: Sequence[PortalHealth]) -> None:
    titles = (
        "portal",
        "domain",
        "status",
        "by",
        "token until",
        "behind",
        "events due",
        "given up",
        "last event",
        "events",
        "stages",
        "requests queued",
    )
    table(titles, list(map(_state, states)), right=(6, 7))
    for portal in states:
        if portal.is_held:
            say(str(PortalPaused(portal.name)))
        elif portal.status != "connected" and portal.reason:
            say(f"{portal.name} is {portal.status}: {portal.reason}; `b24 doctor` says what to do")


def _state(portal: PortalHealth) -> tuple[Any, ...]:
    return (
        portal.name,
        portal.domain,
        portal.status,
        portal.connected_by,
        portal.token_expires_at,
        "never synced" if portal.lag_seconds is None else age(portal.lag_seconds),
        portal.events_due,
        portal.events_failed,
        portal.last_event_at,
        _events(portal),
        _stages(portal),
        f"{portal.budget_seconds:.1f} s",
    )


def _events(portal: PortalHealth) -> str:
    """How changes of a portal become known to us."""
    if portal.silent_since:
        return f"silent, {portal.unannounced} missed"
    if portal.bound_events:
        return f"{len(portal.bound_events)} bound"
    return "outgoing webhook" if portal.proves_events else "none, polled"


def _stages(portal: PortalHealth) -> str:
    """Whether our stages agree with the portal's."""
    if portal.stages_checked_at is None:
        return "not compared"
    if portal.stages_wrong:
        return f"{portal.stages_wrong} of {portal.stages_checked} differ"
    changed = portal.stages_differing - portal.stages_repaired
    repaired = f", {portal.stages_repaired} repaired" if portal.stages_repaired else ""
    return f"{portal.stages_checked} agree{repaired}" + (f", {changed} changed since" if changed else "")


def _show_syncs(syncs: Sequence[dict[str, Any]]) -> None:
    output.print()
    titles = ("portal", "entity", "sync", "result", "rows read", "changed", "finished", "complete up to")
    left_out = table(titles, list(map(_line, syncs)), right=(4, 5), gives_way=(5, 2))
    say_left_out(left_out, "--json")


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


def _show_coverage(states: Sequence[PortalHealth]) -> None:
    """Shows what was compared as a whole. An entity without a line would look as if it had no rows, so it gets one."""
    rows: list[tuple[Any, ...]] = []
    for portal in states:
        rows += [(portal.name, *_proved(proof)) for proof in portal.coverage]
        rows += [(portal.name, entity, "not synced", None, None, None) for entity in portal.not_synced]
    output.print()
    table(("portal", "entity", "created", "rows", "proved by", "compared"), rows, right=(3,))


def _show_figures(figures: Mapping[str, Any], events_due: int) -> None:
    """Says whether the figures know all, so that nobody looks for a fault where a build or a drain is due."""
    if not figures:
        told = "not counted yet; `b24 models` counts them"
    elif figures["waiting_since"]:
        told = (
            f"what changed since {shown(figures['waiting_since'])} is not in them yet; "
            "`b24 up` and the jobs of Dagster count it by themselves, `b24 models` now"
        )
    else:
        told = f"counted {shown(figures['counted_at'])}, with all that was read"
    if events_due:
        told += f"; events that came and are not read yet: {events_due}; `b24 drain` reads them now"
    output.print(f"\nfigures: {told}", soft_wrap=True, markup=False)


def _proved(proof: Proof) -> tuple[Any, ...]:
    return (proof.entity_type, _days(proof), proof.rows_alive, proof.proved_by, proof.proved_at)


def _days(proof: Proof) -> str:
    if proof.is_whole:
        return "ever"
    first = "" if proof.created_from == date.min else f"from {proof.created_from}"
    before = "" if proof.created_before == date.max else f"before {proof.created_before}"
    return " ".join(filter(None, (first, before)))


def _portal(portal: Portal) -> dict[str, Any]:
    return {
        "name": portal.name,
        "domain": portal.domain,
        "status": portal.status,
        "entity_type": portal.entity_type,
        "plan": portal.plan,
        "time_zone": portal.time_zone,
    }


def _health(portal: PortalHealth) -> dict[str, Any]:
    found = asdict(portal)
    del found["account"]
    for proof in found["coverage"]:
        del proof["account"]
    return found | {"not_synced": portal.not_synced}
