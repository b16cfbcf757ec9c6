"""The portal's own search by phone: `crm.duplicate.findbycomm`, twenty phones a command, fifty commands a batch.

Its answer has ids and does not say whose phone was whose (fact sheet 6.6). With enough
hits in leads it leaves contacts out: those commands are asked again for contacts alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from b24_pipeline.bitrix.answers import empty
from b24_pipeline.bitrix.batch import Command
from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.errors import (
    UnreadableAnswer,
)
from b24_pipeline.errors.groups import REFUSES_EVERY_COMMAND
from b24_pipeline.sync.crm.by_id import Object

METHOD = "crm.duplicate.findbycomm"
MOST_VALUES = 20
ENOUGH_HITS = 20
"""So many leads, and the portal looks for no contact."""

_TYPES = {"lead": "LEAD", "contact": "CONTACT"}


@dataclass(slots=True)
class Hits:
    """The leads and contacts that have one of the phones, and the phones that could not be looked for."""

    objects: set[Object] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)


def search(client: BitrixClient, phones: Sequence[str], entity_type: str) -> Hits:
    """Looks for phones in E.164 among leads, contacts (whose deals are wanted), or both.

    Raises PortalError where the portal refuses every command.
    """
    groups = {
        f"p{start}": phones[start : start + MOST_VALUES] for start in range(0, len(phones), MOST_VALUES)
    }
    hits = Hits()
    wanted = {"lead": ("lead",), "deal": ("contact",)}.get(entity_type, ("lead", "contact"))
    hidden = _ask(client, groups, wanted, hits)
    if hidden:
        _ask(client, hidden, ("contact",), hits)
    return hits


def _ask(
    client: BitrixClient, groups: Mapping[str, Sequence[str]], wanted: Sequence[str], hits: Hits
) -> dict[str, Sequence[str]]:
    """Asks for one type, or for all at once; returns the groups whose contacts were left out."""
    only = {"entity_type": _TYPES[wanted[0]]} if len(wanted) == 1 else {}
    commands = {
        key: Command(METHOD, {"type": "PHONE", "values": list(group), **only})
        for key, group in groups.items()
    }
    answer = client.batch(commands)
    hidden: dict[str, Sequence[str]] = {}
    for key, group in groups.items():
        error = answer.errors.get(key)
        if isinstance(error, REFUSES_EVERY_COMMAND):
            raise error
        if error is not None or key not in answer.results:
            hits.failed.update(group)
            continue
        found = {kind: _ids(client, answer.results[key], _TYPES[kind]) for kind in wanted}
        hits.objects.update((kind, number) for kind, numbers in found.items() for number in numbers)
        if len(wanted) > 1 and len(found["lead"]) >= ENOUGH_HITS:
            hidden[key] = group
    return hidden


def _ids(client: BitrixClient, result: Any, kind: str) -> list[int]:
    """`{"LEAD": [5]}`; PHP sends a list where there is nothing."""
    if empty(result):
        return []
    if not isinstance(result, Mapping):
        raise UnreadableAnswer(client.portal, f"{METHOD}: expected ids by type")
    numbers = result.get(kind) or []
    listed: Iterable[Any] = numbers.values() if isinstance(numbers, Mapping) else numbers
    try:
        return [int(number) for number in listed]
    except (TypeError, ValueError):
        raise UnreadableAnswer(client.portal, f"{METHOD}: expected ids of {kind}") from None
