"""Binds the events that a portal sends to us (docs/bitrix24-rest.md, section 7).

Only an application can bind events. In a portal that is connected by a webhook
credential a person makes the outgoing webhooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from b24_pipeline.bitrix.answers import BatchAnswer, rows_of
from b24_pipeline.bitrix.batch import Command
from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.entities import COMPANY, CONTACT, DEAL, LEAD, find
from b24_pipeline.errors import BindingRefused, UnreadableAnswer
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.events import bindings as store
from b24_pipeline.store.portals import entity_choice
from b24_pipeline.store.portals.portal import Portal

LEADS = LEAD.events.names
DEALS = DEAL.events.names
ALWAYS = (*CONTACT.events.names, *COMPANY.events.names, "ONAPPUNINSTALL")

EVENTS: Mapping[str, tuple[str, ...]] = {
    "lead": (*LEADS, *ALWAYS),
    "deal": (*DEALS, *ALWAYS),
    "both": (*LEADS, *DEALS, *ALWAYS),
}
"""The events to bind, by what the portal's funnel counts (lead, deal or both)."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One row of `event.get`: an event and the handler that it is sent to."""

    event: str
    handler: str
    auth_type: str = ""

    def parameters(self) -> dict[str, str]:
        """The parameters of `event.bind` and `event.unbind` for this binding."""
        named = {"event": self.event, "handler": self.handler}
        return named | ({"auth_type": self.auth_type} if self.auth_type not in ("", "0") else {})


def bind(client: BitrixClient, portal: Portal, handler_url: str, warehouse: Warehouse) -> list[str]:
    """Makes the portal send its events to the handler, and none to our former handler; harmless if repeated.

    Returns the bound events, which are stored. Raises BindingRefused where some are missing afterwards, and
    PortalError where the portal does not answer.
    """
    chosen = warehouse.transact(entity_choice.chosen, portal.id)
    wanted = wanted_events(portal.entity_type, chosen)
    before = _bindings(client)
    bound = {binding.event for binding in before if binding.handler == handler_url}
    answer = client.batch(_commands("event.bind", _missing(wanted, bound, handler_url)))
    _unbind(client, _stale(before, wanted, handler_url, store.handler_url(warehouse, portal)))
    bound = {binding.event for binding in _bindings(client) if binding.handler == handler_url}
    store.note_bound(warehouse, portal, [event for event in wanted if event in bound], handler_url)
    _require(client, [event for event in wanted if event not in bound], answer)
    return [event for event in wanted if event in bound]


def unbind(client: BitrixClient, handler_url: str) -> int:
    """Unbinds all events from the handler; returns how many bindings there were."""
    ours = [binding for binding in _bindings(client) if binding.handler == handler_url]
    _unbind(client, ours)
    return len(ours)


def wanted_events(entity_type: str, chosen: Iterable[str]) -> tuple[str, ...]:
    """The events to bind by what the portal's funnel counts, and by the entities that were chosen to be read."""
    entities = filter(None, map(find, chosen))
    return tuple(
        dict.fromkeys((*EVENTS[entity_type], *(name for entity in entities for name in entity.events.names)))
    )


def missing_events(
    client: BitrixClient, handler_url: str, entity_type: str = "both", chosen: Iterable[str] = ()
) -> list[str]:
    """The events that should be bound to the handler and are not: an administrator may have unbound them."""
    bound = {binding.event for binding in _bindings(client) if binding.handler == handler_url}
    return [event for event in wanted_events(entity_type, chosen) if event not in bound]


def _bindings(client: BitrixClient) -> list[Binding]:
    try:
        rows = rows_of(client.call("event.get").result)
    except ValueError:
        raise UnreadableAnswer(client.portal, "event.get: expected a list of handlers") from None
    return [_binding(row) for row in rows if str(row.get("offline") or "0") == "0"]


def _binding(row: Mapping[str, Any]) -> Binding:
    return Binding(
        str(row.get("event", "")).upper(), str(row.get("handler", "")), str(row.get("auth_type") or "")
    )


def _missing(wanted: Iterable[str], bound: set[str], handler_url: str) -> list[Binding]:
    return [Binding(event, handler_url) for event in wanted if event not in bound]


def _stale(
    bindings: Iterable[Binding], wanted: Iterable[str], handler_url: str, before: str | None
) -> list[Binding]:
    """Our bindings that are not wanted any more: other events, and all of our former address `before`.

    Bindings of other installations are left alone.
    """
    kept = set(wanted)
    return [
        binding
        for binding in bindings
        if (binding.handler == handler_url and binding.event not in kept)
        or (before not in (None, handler_url) and binding.handler == before)
    ]


def _unbind(client: BitrixClient, bindings: Iterable[Binding]) -> None:
    commands = _commands("event.unbind", bindings)
    if commands:
        client.batch(commands)


def _commands(method: str, bindings: Iterable[Binding]) -> dict[str, Command]:
    return {f"b{number}": Command(method, binding.parameters()) for number, binding in enumerate(bindings)}


def _require(client: BitrixClient, missing: list[str], answer: BatchAnswer) -> None:
    if not missing:
        return
    reason = next((str(error) for error in answer.errors.values()), "it gave no reason")
    raise BindingRefused(
        client.portal,
        f"{len(missing)} of its events could not be bound, {missing[0]} first: {reason}; "
        "is the address of `b24 serve` (B24_PUBLIC_URL) public, and is the portal's user an administrator?",
    )
