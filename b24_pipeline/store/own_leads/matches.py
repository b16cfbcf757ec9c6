"""Own ad leads matched to the CRM by their phones, set by set; all in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from b24_pipeline.store.database import bookmarks, queries
from b24_pipeline.store.database.locks import wait_for_transaction
from b24_pipeline.store.database.statements import statement
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.own_leads.crm_phones import ROWS_AT_ONCE, PhoneReader

_sql = queries.load(__file__)

MANY = 500
"""Phones, deals, leads and links that changed: from so many on, reading all own leads once is cheaper than looking each
of them up."""

MOST_CANDIDATES = 20
NEVER = bookmarks.NEVER


@dataclass(frozen=True, slots=True)
class MatchScope:
    """A portal as the matching sees it. `entity_type`: what is looked for, lead, deal or both."""

    entity_type: str
    has_own_leads: bool


@dataclass(frozen=True, slots=True)
class OwnLeadCounts:
    """How the own leads of a portal stand."""

    own_leads: int
    matched: int
    not_found: int


@dataclass(frozen=True, slots=True)
class Linked:
    """What a matching did: own leads looked at, newly linked, and those whose link or stage is another one now."""

    looked_at: int = 0
    linked: int = 0
    updated: int = 0


@dataclass(frozen=True, slots=True)
class Unfound:
    """An own lead that the copy does not know, and its phones in E.164."""

    id: UUID
    phones: list[str]


def lock_matching(connection: Connection, account: UUID) -> datetime:
    """Waits until no other transaction matches this portal's own leads.

    Returns the moment before which no new row can appear any more: a transaction that is
    still open stamps its rows later than it began.
    """
    wait_for_transaction(connection, "matches", account)
    connection.execute(statement("sort_in_memory"))
    return bookmarks.complete_upto(connection)


def counted(connection: Connection, account: UUID) -> MatchScope:
    """Reads what is looked for in a portal, and whether it has own leads."""
    with connection.cursor(row_factory=class_row(MatchScope)) as cursor:
        found = cursor.execute(_sql.portal.sql, {"account": account}).fetchone()
    return found or MatchScope("both", False)


def seen_upto(connection: Connection, account: UUID, reader: str) -> datetime:
    """The `loaded_at` before which this reader has seen every row; NEVER where it has not begun."""
    return bookmarks.hold(connection, account, reader).loaded_upto or NEVER


def begin(connection: Connection) -> None:
    """Makes the empty list of own leads that are to be matched in this transaction."""
    _sql.make_staging(connection)


def add_unread(connection: Connection, account: UUID, read: PhoneReader, *, again: bool = False) -> None:
    """Adds own leads that are new or have another phone now; all of them where phones are read `again`."""
    statement = _sql.all_phones if again else _sql.unread
    with connection.cursor("unread_phones") as unread:
        unread.execute(statement.sql, {"account": account})
        while rows := unread.fetchmany(ROWS_AT_ONCE):
            with connection.cursor().copy(_sql.copy_to_match.sql) as copy:
                for number, phone in rows:
                    copy.write_row((number, list(read(phone)), phone, True))


def add_touched(connection: Connection, account: UUID, since: datetime, phones: int) -> None:
    """Adds own leads that changes of the CRM concern; `phones`: how many phones changed in the index."""
    if since == NEVER or _sql.stages_changed(connection, account=account, since=since):
        _sql.add_all(connection, account=account)
        return
    moved = int(_sql.count_moved(connection, account=account, since=since, most=MANY + 1))
    _sql.touch_phones_of_deals(connection, account=account, since=since)
    _sql.touch_phones_of_leads(connection, account=account, since=since)
    _sql.touch_phones_of_links(connection, account=account, since=since)
    by_phone = _sql.add_by_many_phones if phones + moved > MANY else _sql.add_by_few_phones
    by_phone(connection, account=account)
    if moved > MANY:
        _sql.add_by_many_candidates(connection, account=account, since=since)
    else:
        _sql.whole_scans(connection, allowed="off")
        _sql.add_by_few_candidates(connection, account=account, since=since)
        _sql.whole_scans(connection, allowed="on")
    _sql.add_linked(connection, account=account, since=since)


def add_leads(connection: Connection, account: UUID, ids: Sequence[UUID]) -> None:
    """Adds these own leads to those that are to be matched."""
    _sql.add_leads(connection, account=account, ids=list(ids))


def match(
    connection: Connection,
    account: UUID,
    entity_type: str,
    *,
    by_portal: bool = False,
    asked: Sequence[UUID] = (),
) -> Linked:
    """Matches the own leads that were added, and stores how each was matched.

    `by_portal`: what was not matched before was found by the portal's own search; `asked` it was for these.
    """
    looked_at = int(_sql.count_to_match(connection))
    if not looked_at:
        return Linked()
    _find(connection, account, entity_type)
    _, linked = _sql.store_matches(connection, account=account, by_portal=by_portal, asked=list(asked))
    changed = int(_sql.store_links(connection, account=account))
    return Linked(looked_at, linked, max(0, changed - linked))


def _find(connection: Connection, account: UUID, entity_type: str) -> None:
    """Fills `found_matches`: the candidates of each phone, the choice of each own lead, and the reasons."""
    _sql.analyze_to_match(connection)
    _sql.make_candidates(connection)
    _sql.find_holders(connection, account=account)
    _sql.analyze_holders(connection)
    if entity_type != "lead":
        _sql.find_ways_to_deals(connection, account=account)
    if entity_type != "deal":
        _sql.find_ways_to_leads(connection, account=account)
    _sql.analyze_ways(connection)
    _sql.find_candidates(connection, account=account, with_people=entity_type != "lead")
    _sql.analyze_candidates(connection)
    _sql.choose_best(connection)
    _sql.explain_matches(connection, account=account, most_candidates=MOST_CANDIDATES)
    _sql.apply_links(connection, account=account)


def to_ask(connection: Connection, account: UUID) -> list[Unfound]:
    """Own leads with a phone that were not found, and not asked for within a day."""
    with connection.cursor(row_factory=class_row(Unfound)) as cursor:
        return cursor.execute(_sql.to_ask.sql, {"account": account}).fetchall()


def standing(connection: Connection, account: UUID) -> OwnLeadCounts:
    """Counts the own leads of a portal: all, matched, and not found."""
    with connection.cursor(row_factory=class_row(OwnLeadCounts)) as cursor:
        found = cursor.execute(_sql.count_matches.sql, {"account": account}).fetchone()
    return found or OwnLeadCounts(0, 0, 0)
