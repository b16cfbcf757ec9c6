"""Searches a portal by phone (`crm.duplicate.findbycomm`): twenty phones a command, fifty commands a batch.

The answer has ids and does not say which of them has which phone (docs/bitrix24-rest.md,
section 6.6). If a command finds enough leads the portal leaves contacts out, so that command
is sent again for contacts alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from b24_pipeline.bitrix.answers import empty
from b24_pipeline.bitrix.batch import Command
from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.errors import UnreadableAnswer
from b24_pipeline.errors.groups import REFUSES_EVERY_COMMAND
from b24_pipeline.sync.crm.by_id import ObjectKey
from b24_pipeline.sync.own_leads.phones import spellings

METHOD = "crm.duplicate.findbycomm"
MOST_VALUES = 20
ENOUGH_HITS = 20
"""With so many leads found, the portal does not search for contacts."""

_TYPES = {"lead": "LEAD", "contact": "CONTACT"}


@dataclass(slots=True)
class Hits:
    """The leads and contacts that have one of the phones (`objects`), and phones that could not be searched for."""

    objects: set[ObjectKey] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)


def search(client: BitrixClient, phones: Sequence[str], entity_type: str) -> Hits:
    """Searches for phones in E.164 among the portal's leads, contacts, or both.

    `entity_type`: lead, deal (whose contacts are searched) or both. Raises PortalError where the portal refuses
    every command.
    """
    groups = {f"p{number}": group for number, group in enumerate(_groups(phones))}
    hits = Hits()
    wanted = {"lead": ("lead",), "deal": ("contact",)}.get(entity_type, ("lead", "contact"))
    hidden = _ask(client, groups, wanted, hits)
    if hidden:
        _ask(client, hidden, ("contact",), hits)
    return hits


def _groups(phones: Sequence[str]) -> Iterator[list[str]]:
    """Parts phones into groups that have at most MOST_VALUES spellings."""
    group: list[str] = []
    values = 0
    for phone in phones:
        more = len(spellings(phone))
        if values + more > MOST_VALUES:
            yield group
            group, values = [], 0
        group.append(phone)
        values += more
    if group:
        yield group


def _ask(
    client: BitrixClient, groups: Mapping[str, Sequence[str]], wanted: Sequence[str], hits: Hits
) -> dict[str, Sequence[str]]:
    """Searches for one type, or for all at once; returns the groups whose contacts were left out."""
    only = {"entity_type": _TYPES[wanted[0]]} if len(wanted) == 1 else {}
    commands = {
        key: Command(METHOD, {"type": "PHONE", "values": _values(group), **only})
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


def _values(group: Sequence[str]) -> list[str]:
    return [spelling for phone in group for spelling in spellings(phone)]


def _ids(client: BitrixClient, result: Any, kind: str) -> list[int]:
    """The ids of one type from an answer like `{"LEAD": [5]}`; PHP sends an empty list where there is nothing."""
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
