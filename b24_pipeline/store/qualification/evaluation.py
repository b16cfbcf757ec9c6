"""Who is qualified: leads and deals that fulfil one of their portal's conditions, and since when.

Evaluated by change: rows that were stored since the bookmark, and rows whose
contacts or links were. The bookmark keeps the conditions that it was evaluated by; where
the portal has others now, however they were changed, everything is evaluated anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from b24_pipeline.errors import ConditionRefused
from b24_pipeline.store.database import bookmarks, queries
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.qualification.conditions import Condition, checked, read_conditions, stored_form

_sql = queries.load(__file__)
ENTITIES, OWN_LEADS = "qualification", "qualification:own"
QUALIFIED_TYPES = ("lead", "deal")


def conditions_of(connection: Connection, account: UUID) -> tuple[Condition, ...]:
    """The portal's conditions, in order. Raises ConditionRefused where somebody stored what is none."""
    portal, stored = _sql.conditions(connection, account=account)
    try:
        return read_conditions(stored)
    except ConditionRefused as error:
        raise ConditionRefused(
            f"{portal}: bitrix24_qualification_fields cannot be read: {error}; set the conditions again"
        ) from None


def set_conditions(
    connection: Connection, account: UUID, conditions: Sequence[Condition]
) -> tuple[Condition, ...]:
    """Stores conditions and evaluates everything by them, in this transaction.

    Returns them completed from the field catalogue. Raises ConditionRefused
    where one does not fit it; then nothing is changed.
    """
    completed = checked(connection, account, conditions)
    _evaluate(connection, account, completed)
    mark_own_leads(connection, account)
    # last: the row is also the one that tokens are refreshed in
    _sql.save_conditions(connection, account=account, conditions=Jsonb(stored_form(completed)))
    return completed


def try_conditions(connection: Connection, account: UUID, conditions: Sequence[Condition]) -> None:
    """Evaluates everything by conditions that are not stored: the caller's transaction is to be taken back.

    Raises ConditionRefused.
    """
    _evaluate(connection, account, checked(connection, account, conditions))


def qualify(connection: Connection, account: UUID) -> None:
    """Evaluates what was stored since the last time. Raises ConditionRefused as `conditions_of`."""
    _evaluate(connection, account, conditions_of(connection, account))


def mark_own_leads(connection: Connection, account: UUID) -> int:
    """Sets `leads.is_qualified` by what the lead or deal of each own lead is now; returns how many changed."""
    bookmark = bookmarks.hold(connection, account, OWN_LEADS)
    changed = _sql.mark_own_leads(connection, account=account, since=bookmark.loaded_upto)
    bookmarks.move(connection, account, [OWN_LEADS], bookmark.started_at)
    return int(changed)


def count_qualified(connection: Connection, account: UUID) -> dict[str, int]:
    """How many leads and deals are qualified now."""
    found = dict(_sql.count_qualified(connection, account=account))
    return {entity_type: found.get(entity_type, 0) for entity_type in QUALIFIED_TYPES}


def _evaluate(connection: Connection, account: UUID, conditions: Sequence[Condition]) -> None:
    bookmark = bookmarks.hold(connection, account, ENTITIES)
    earlier = bookmark.conditions
    wanted = [condition.essence for condition in conditions]
    if not wanted and not earlier:
        return  # nobody is qualified, nobody was
    anew = wanted != earlier
    for entity_type in QUALIFIED_TYPES:
        _sql.make_changed(connection)
        _sql.find_changed(
            connection,
            account=account,
            entity_type=entity_type,
            since=None if anew else bookmark.loaded_upto,
            about_contacts=any(condition.entity_type == "contact" for condition in conditions),
        )
        _sql.analyze_changed(connection)
        _sql.qualify(
            connection,
            account=account,
            entity_type=entity_type,
            conditions=Jsonb(_for_sql(conditions)),
            # who fulfilled a condition that is still there, fulfilled it then
            keep=all(condition in wanted for condition in earlier),
        )
    bookmarks.move(connection, account, [ENTITIES], bookmark.started_at, wanted)


def _for_sql(conditions: Iterable[Condition]) -> list[dict[str, Any]]:
    return [
        {"place": place, **condition.essence} | _wanted(condition.essence["wanted"] or "")
        for place, condition in enumerate(conditions)
    ]


def _wanted(text: str) -> dict[str, Any]:
    """The text in the forms that a value may have: PHP writes a number as a number or as a string."""
    is_number = text.isascii() and text.isdigit() and str(int(text)) == text
    return {"as_text": text, "as_number": int(text) if is_number else None, "pattern": _any_case(text)}


def _any_case(text: str) -> str:
    """A pattern of the text in upper and lower case, which does not depend on the database's locale."""
    return f"^{''.join(map(_cases, text))}$"


def _cases(character: str) -> str:
    variants = {case for case in (character, character.lower(), character.upper()) if len(case) == 1}
    if len(variants) > 1:
        return f"[{''.join(sorted(variants))}]"
    # beyond ASCII nothing has a meaning of its own
    return f"\\{character}" if character.isascii() and not character.isalnum() else character
