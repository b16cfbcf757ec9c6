"""Asks a portal for all contacts of leads, deals and companies (docs/bitrix24-rest.md, section 6.10).

One command of `crm.item.list` tells those of fifty owners. Where a portal does not answer it, each owner is asked
for by a command of its own; where it does not answer that either, the main contact in the owner's row is what is
known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from b24_pipeline.bitrix.answers import BatchAnswer, Row, empty, rows_of
from b24_pipeline.bitrix.batch import MAX_COMMANDS, Command
from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.bitrix.lists.pages import ListQuery
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS
from b24_pipeline.errors import ApiError, InvalidArgument, ObjectNotFound, PortalError, UnreadableAnswer
from b24_pipeline.errors.groups import REFUSES_ENTITY, REFUSES_PORTAL, TOO_HEAVY
from b24_pipeline.log import logger
from b24_pipeline.store.crm.contact_links import Contact, Owner, OwnerContacts

log = logger("sync")

TYPE_IDS = {"lead": 1, "deal": 2, "company": 4}
"""The numbers of the owners' types in `crm.item.list`."""

FIRST_SORT = 10
"""The portal numbers contacts 10, 20 and so on."""

Groups = Mapping[str, Sequence[Owner]]
"""At most fifty owners of one type by the key of their command."""


class ContactReader:
    """Reads the contacts of owners through one client; remembers in which way the portal does not tell them."""

    def __init__(self, client: BitrixClient, *, concurrency: int = 1) -> None:
        self._client = client
        self._concurrency = concurrency
        self._no_list: dict[str, PortalError] = {}
        self._refused: dict[str, PortalError] = {}

    def groups(self, owners: Sequence[Owner]) -> dict[str, list[Owner]]:
        """The owners in groups of fifty, as far as they are asked for by lists."""
        found: dict[str, list[Owner]] = {}
        for name in TYPE_IDS:
            own = [owner for owner in owners if owner.entity_type == name and name not in self._no_list]
            for start in range(0, len(own), PAGE_ROWS):
                found[f"contacts_{name}_{start}"] = own[start : start + PAGE_ROWS]
        return found

    def commands(self, groups: Groups) -> dict[str, Command]:
        """The command of each group."""
        return {key: _list_command(group) for key, group in groups.items()}

    def read(self, owners: Sequence[Owner], known: BatchAnswer | None = None) -> list[OwnerContacts]:
        """The contacts of these owners; those that are deleted or hidden from us are left out.

        `known`: answers to some of the commands of their groups. Raises PortalError where the portal refuses every
        command.
        """
        groups = self.groups(owners)
        answer = known or BatchAnswer()
        left = {key: group for key, group in groups.items() if not _answered(answer, key)}
        if left:
            answer.take(self._ask(self.commands(left)))
        found: list[OwnerContacts] = []
        singly = [owner for owner in owners if owner.entity_type in self._no_list]
        for key, group in groups.items():
            told = self._told(answer, key, group)
            found += told or ()
            singly += group if told is None else ()
        return found + self._read_singly(singly)

    def _told(self, answer: BatchAnswer, key: str, group: Sequence[Owner]) -> list[OwnerContacts] | None:
        """What the list of a group told; None where it told no contacts."""
        error: PortalError | None = answer.errors.get(key)
        if error is None:
            try:
                return _of_rows(rows_of(answer.results.get(key), "items"), group)
            except (KeyError, TypeError, ValueError):
                name = group[0].entity_type
                error = UnreadableAnswer(
                    self._client.portal, f"crm.item.list: expected the contactIds of each {name}"
                )
        if isinstance(error, REFUSES_PORTAL):
            raise error
        if isinstance(error, (*REFUSES_ENTITY, InvalidArgument, UnreadableAnswer)):
            self._no_list.setdefault(group[0].entity_type, error)
        return None

    def _read_singly(self, owners: Sequence[Owner]) -> list[OwnerContacts]:
        return [one for part in _parts(owners) for one in self._of_singles(part)]

    def _of_singles(self, owners: Sequence[Owner]) -> list[OwnerContacts]:
        """The contacts of owners of one type, each asked for by itself unless the type is refused as a whole."""
        name = owners[0].entity_type
        if name in self._refused:
            return [_main_of(owner) for owner in owners]
        method = f"crm.{name}.contact.items.get"
        keys = {f"contacts_of_{owner.id}": owner for owner in owners}
        answer = self._ask({key: Command(method, {"id": owner.id}) for key, owner in keys.items()})
        refusals = [error for error in answer.errors.values() if isinstance(error, REFUSES_ENTITY)]
        if len(refusals) == len(owners):
            self._refuse(name, refusals[0])
            return [_main_of(owner) for owner in owners]
        found = (self._of_single(owner, answer, key) for key, owner in keys.items())
        return [one for one in found if one is not None]

    def _of_single(self, owner: Owner, answer: BatchAnswer, key: str) -> OwnerContacts | None:
        error = answer.errors.get(key)
        if isinstance(error, REFUSES_PORTAL):
            raise error
        if isinstance(error, ObjectNotFound):
            return None
        try:
            if error is None:
                return _of_items(owner, rows_of(answer.results.get(key)))
        except (KeyError, TypeError, ValueError):
            log.warning(
                "contacts cannot be read", portal=self._client.portal, entity=owner.entity_type, id=owner.id
            )
        return _main_of(owner)

    def _refuse(self, name: str, error: PortalError) -> None:
        self._refused[name] = error
        log.warning(
            "only main contacts are known",
            portal=self._client.portal,
            entity=name,
            error=str(error),
            list_error=str(self._no_list.get(name, "")),
        )

    def _ask(self, commands: Mapping[str, Command]) -> BatchAnswer:
        """The answers to any number of commands, with several batches under way."""
        entries = list(commands.items())
        parts = [
            dict(entries[start : start + MAX_COMMANDS]) for start in range(0, len(entries), MAX_COMMANDS)
        ]
        answer = BatchAnswer()
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="b24-contacts") as pool:
            for one in pool.map(self._send, parts):
                answer.take(one)
        return answer

    def _send(self, commands: dict[str, Command]) -> BatchAnswer:
        """The answer to one batch, sent in halves if it is too heavy for the portal."""
        try:
            return self._client.open_batch(commands, self._client.send_batch(commands))
        except TOO_HEAVY as error:
            if len(commands) == 1 and isinstance(error, ApiError):
                return BatchAnswer(errors=dict.fromkeys(commands, error))
            if len(commands) == 1:
                raise
        entries = list(commands.items())
        middle = len(entries) // 2
        answer = self._send(dict(entries[:middle]))
        answer.take(self._send(dict(entries[middle:])))
        return answer


def _list_command(group: Sequence[Owner]) -> Command:
    query = ListQuery(
        "crm.item.list",
        ("id", "contactId", "contactIds"),
        params={"entityTypeId": TYPE_IDS[group[0].entity_type]},
        id_field="id",
        wrapper="items",
    )
    return query.by_ids([owner.id for owner in group])


def _answered(answer: BatchAnswer, key: str) -> bool:
    return key in answer.results or key in answer.errors


def _parts(owners: Sequence[Owner]) -> Iterator[list[Owner]]:
    """At most fifty owners of one type each."""
    for name in TYPE_IDS:
        own = [owner for owner in owners if owner.entity_type == name]
        for start in range(0, len(own), MAX_COMMANDS):
            yield own[start : start + MAX_COMMANDS]


def _of_rows(rows: Sequence[Row], group: Sequence[Owner]) -> list[OwnerContacts]:
    """The contacts in rows of a list. Raises ValueError where no row has any list of contacts."""
    asked = {owner.id: owner for owner in group}
    shown = {int(row["id"]): row for row in rows}
    if rows and not any(row.get("contactIds") is not None for row in rows):
        raise ValueError("rows without contactIds")
    return [_of_row(asked[number], row) for number, row in shown.items() if number in asked]


def _of_row(owner: Owner, row: Row) -> OwnerContacts:
    main = _number(row["contactId"]) if "contactId" in row else owner.main_contact
    ids = _numbers(row.get("contactIds"))
    if main is not None and main not in ids:
        ids = [main, *ids]
    return OwnerContacts(
        owner,
        tuple(
            Contact(number, FIRST_SORT * place, number == main)
            for place, number in enumerate(dict.fromkeys(ids), 1)
        ),
    )


def _of_items(owner: Owner, rows: Sequence[Row]) -> OwnerContacts:
    """The contacts that `crm.*.contact.items.get` told; several may claim to be the main one."""
    told = sorted(
        (_number(row.get("SORT")) or 0, int(row["CONTACT_ID"]), row.get("IS_PRIMARY") == "Y") for row in rows
    )
    claimed = [number for _, number, is_primary in told if is_primary]
    main = owner.main_contact if owner.main_contact in claimed else next(iter(claimed), None)
    main = None if owner.entity_type == "company" else main
    by_id = {number: Contact(number, sort, number == main) for sort, number, _ in reversed(told)}
    return OwnerContacts(owner, tuple(by_id.values()))


def _main_of(owner: Owner) -> OwnerContacts:
    """What is known of an owner whose contacts the portal does not tell."""
    main = () if owner.main_contact is None else (Contact(owner.main_contact, None, True),)
    return OwnerContacts(owner, main, is_complete=False)


def _numbers(value: Any) -> list[int]:
    """Ids out of a list, or out of the object that PHP makes of a list with gaps. Raises TypeError, ValueError."""
    if empty(value):
        return []
    listed = list(value.values()) if isinstance(value, Mapping) else value
    if not isinstance(listed, list):
        raise TypeError("expected a list of ids")
    return [int(one) for one in listed]


def _number(value: Any) -> int | None:
    return None if empty(value) else int(value)
