"""Searches a portal by phone (`crm.duplicate.findbycomm`): twenty phones a command, fifty commands a batch.

The answer has ids and does not say which of them has which phone (docs/bitrix24-rest.md,
section 6.6). If a command finds enough leads the portal leaves contacts and companies out, and with enough
contacts companies, so that command is sent again for each type that was left out.
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
"""With so many leads found, the portal does not search for contacts; with so many contacts, not for companies."""

_TYPES = {"lead": "LEAD", "contact": "CONTACT", "company": "COMPANY"}
"""What is searched for, in the portal's order."""


@dataclass(slots=True)
class Hits:
    """The objects that have one of the phones, by type and id, and `failed`: phones that could not be searched for."""

    objects: set[ObjectKey] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Search:
    """Phones that fit into one command, and the types that are wanted: one of them, or of all."""

    phones: Sequence[str]
    kinds: tuple[str, ...]


def search(client: BitrixClient, phones: Sequence[str], entity_type: str) -> Hits:
    """Searches for phones in E.164 among the portal's leads, contacts and companies.

    `entity_type`: lead, deal (whose contacts and companies are searched) or both. Raises PortalError where the
    portal refuses every command.
    """
    wanted = {"lead": ("lead",), "deal": ("contact", "company")}.get(entity_type, tuple(_TYPES))
    hits = Hits()
    left_out = _ask(client, [Search(group, wanted) for group in _groups(phones)], hits)
    if left_out:
        _ask(client, left_out, hits)
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


def _ask(client: BitrixClient, searches: Sequence[Search], hits: Hits) -> list[Search]:
    """Searches, and adds what was found to the hits; returns searches for what the portal left out."""
    keys = {f"p{number}": one for number, one in enumerate(searches)}
    answer = client.batch({key: _command(one) for key, one in keys.items()})
    again: list[Search] = []
    for key, one in keys.items():
        error = answer.errors.get(key)
        if isinstance(error, REFUSES_EVERY_COMMAND):
            raise error
        if error is not None or key not in answer.results:
            hits.failed.update(one.phones)
            continue
        found = {kind: _ids(client, answer.results[key], name) for kind, name in _TYPES.items()}
        hits.objects.update((kind, number) for kind in one.kinds for number in found[kind])
        again += [Search(one.phones, (kind,)) for kind in _left_out(one, found)]
    return again


def _command(one: Search) -> Command:
    only = {"entity_type": _TYPES[one.kinds[0]]} if len(one.kinds) == 1 else {}
    return Command(METHOD, {"type": "PHONE", "values": _values(one.phones), **only})


def _left_out(one: Search, found: Mapping[str, Sequence[int]]) -> list[str]:
    """The wanted types that the portal did not search for, because it had found enough of a type before them."""
    kinds = list(_TYPES)
    enough = [kinds.index(kind) for kind, numbers in found.items() if len(numbers) >= ENOUGH_HITS]
    if len(one.kinds) == 1 or not enough:
        return []
    return [kind for kind in one.kinds if kinds.index(kind) > min(enough)]


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
