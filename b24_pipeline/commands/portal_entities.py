"""`b24 portal entities`: which invoices, quotes and smart processes a portal has, and which of them are read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from b24_pipeline.commands.opening import installation
from b24_pipeline.commands.screen import AsJson, output, say, table, write_json
from b24_pipeline.entities import find
from b24_pipeline.errors import UnknownEntity, UsageError
from b24_pipeline.store.portals import entity_choice
from b24_pipeline.sync.events.watch import check_bindings
from b24_pipeline.sync.parallel import opened_job
from b24_pipeline.sync.portals.entity_listing import ListedEntity, list_entities
from b24_pipeline.sync.portals.first_read import FirstRead

CHOOSABLE = ("invoice", "quote", "item_156 (its number in the portal)")


def entities(
    name: Annotated[str, typer.Argument(help="The portal.")],
    add: Annotated[
        list[str] | None,
        typer.Option(
            "--add", metavar="ENTITY", help="Read this from the next sync on, such as invoice. Repeatable."
        ),
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", metavar="ENTITY", help="Read this no more; its rows stay. Repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show which invoices, quotes and smart processes a portal has, and choose which of them are read."""
    for entity in (*(add or ()), *(remove or ())):
        if not _can_be_chosen(entity):
            raise UnknownEntity(entity, CHOOSABLE)
    both = {*(add or ())} & {*(remove or ())}
    if both:
        raise UsageError(f"{min(both)} is in --add and in --remove: choose one")
    with installation() as opened:
        portal = opened.portals.one(name)
        if remove:
            opened.warehouse.transact(entity_choice.leave, portal.id, remove)
        with opened_job(opened.connections, portal, opened.options()) as job:
            listed = list_entities(job, add or ())
            if add or remove:
                check_bindings(job)
    if as_json:
        write_json({"portal": name, "entities": [_as_json(one) for one in listed]})
        return
    _show(name, listed)


def _can_be_chosen(name: str) -> bool:
    found = find(name)
    return found is not None and found.part is not None


def _as_json(one: ListedEntity) -> dict[str, Any]:
    return asdict(one.known) | {
        "in_portal": one.in_portal,
        "error": one.error and str(one.error),
        "first_read": one.cost and asdict(one.cost),
    }


def _cost(cost: FirstRead) -> str:
    """Requests and time, with the portal's own run time where earlier reads tell it."""
    told = (
        ""
        if cost.operating_seconds is None
        else f", {cost.operating_seconds:,.0f} s of the portal's run time"
    )
    minutes = f"{cost.seconds / 60:,.0f} min" if cost.seconds >= 90 else f"{math.ceil(cost.seconds)} s"
    return f"{cost.requests:,} request{'s' if cost.requests > 1 else ''}, about {minutes}{told}"


def _show(name: str, listed: Sequence[ListedEntity]) -> None:
    rows = [
        (
            one.known.entity_type,
            one.known.title,
            "gone" if one.known.deleted_at else "read" if one.known.is_chosen else "not read",
            "not shown" if one.error else one.in_portal,
            one.known.rows_alive,
            "" if one.known.is_chosen or one.cost is None else _cost(one.cost),
        )
        for one in listed
    ]
    table(("entity", "name", "state", "in the portal", "in our copy", "first read"), rows, right=(3, 4))
    for one in listed:
        if one.error:
            say(f"{one.known.entity_type} cannot be read: {one.error}")
    if any(not one.known.is_chosen and one.in_portal for one in listed):
        output.print(f"\nchoose with: b24 portal entities {name} --add ENTITY; then: b24 sync {name}")
