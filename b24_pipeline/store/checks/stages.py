"""The stored side of the check of stages: our counts and rows, and what a check has found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)

KEPT_DAYS = 30


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A stage: entity_type (lead or deal), pipeline, and code; the code is empty where an entity has none."""

    entity: str
    category: int
    status: str


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount and its currency; None where there is none. Equal only if both are: 10 and 10.00 are."""

    value: Decimal | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a lead or deal stands, with what amount, and when it was modified."""

    place: Place
    amount: Amount
    modified: datetime | None


@dataclass(frozen=True, slots=True)
class StoredStage:
    """A stage and how many entities stand in it, as stored.

    `read_upto`, `read_at`: how far and when the rows of a large stage were compared last.
    """

    place: Place
    entities: int
    read_upto: int
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Window:
    """The rows of a stage with ids (after, upto]; None: no end."""

    place: Place
    after: int = 0
    upto: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a check found of one stage. Sums by currency, None where not all of its rows were compared."""

    place: Place
    portal_count: int
    our_count: int
    portal_amounts: Mapping[str, Decimal] | None
    our_amounts: Mapping[str, Decimal] | None
    missing_ids: Sequence[int]
    surplus_ids: Sequence[int]
    differing_ids: Sequence[int]
    rows_compared: int
    is_equal: bool
    is_explained: bool
    is_repaired: bool
    explanation: str | None


@dataclass(frozen=True, slots=True)
class Checked:
    """One stage of a portal's last check, as it is stored."""

    portal: str
    checked_at: datetime
    entity_type: str
    category_id: int
    status_id: str
    portal_count: int
    our_count: int
    missing_ids: list[int]
    surplus_ids: list[int]
    differing_ids: list[int]
    rows_compared: int
    is_equal: bool
    is_explained: bool
    is_repaired: bool
    explanation: str | None

    @property
    def is_wrong(self) -> bool:
        """Whether something differs that no later change explains and that could not be repaired."""
        return not (self.is_explained or self.is_repaired)


def freeze(connection: Connection) -> datetime:
    """Freezes the transaction's view at one moment and returns it; must be its first statement."""
    _sql.freeze(connection)
    moment: datetime = _sql.checked_at(connection)
    return moment


def stages(connection: Connection, account: UUID) -> list[StoredStage]:
    """Every stage of the directories, and stages in which entities stand although no directory has them."""
    found = _sql.stages(connection, account=account)
    return [StoredStage(Place(*place), entities, upto, at) for *place, entities, upto, at in found]


def rows_within(connection: Connection, account: UUID, windows: Sequence[Window]) -> list[dict[int, Amount]]:
    """For each window, the amounts of the entities in it by id."""
    found: list[dict[int, Amount]] = [{} for _ in windows]
    rows = _sql.rows_within(
        connection,
        account=account,
        entities=[window.place.entity for window in windows],
        categories=[window.place.category for window in windows],
        statuses=[window.place.status for window in windows],
        after=[window.after for window in windows],
        upto=[window.upto for window in windows],
    )
    for number, entity_id, opportunity, currency in rows:
        found[number - 1][entity_id] = Amount(opportunity, currency)
    return found


def standing(connection: Connection, account: UUID, entity: str, ids: Sequence[int]) -> dict[int, Standing]:
    """By id, the stage and amount of each of these entities that is not deleted."""
    found = _sql.standing(connection, account=account, entity=entity, ids=list(ids))
    return {number: _standing(entity, *rest) for number, *rest in found}


def standing_between(
    connection: Connection, account: UUID, entity: str, after: int, upto: int | None
) -> dict[int, Standing]:
    """Like `standing`, for all ids in (after, upto]; `upto` None: no end."""
    found = _sql.standing_between(connection, account=account, entity=entity, after=after, upto=upto)
    return {number: _standing(entity, *rest) for number, *rest in found}


def _standing(
    entity: str,
    category: int,
    status: str,
    opportunity: Decimal | None,
    currency: str | None,
    modified: datetime | None,
) -> Standing:
    return Standing(Place(entity, category, status), Amount(opportunity, currency), modified)


def bounds(connection: Connection, account: UUID, window: Window, parts: int) -> list[int]:
    """The ids that cut the rows of a window into `parts` parts of about the same size."""
    found = _sql.bounds(
        connection,
        account=account,
        entity=window.place.entity,
        category=window.place.category,
        status=window.place.status,
        after=window.after,
        upto=window.upto,
        fractions=[number / parts for number in range(1, parts)],
    )
    return sorted(set(found or ()))


def count_within(
    connection: Connection, account: UUID, place: Place, thresholds: Sequence[int]
) -> dict[int, int]:
    """How many stand in a stage, by part: 0 with ids up to the first threshold, 1 from there up to the second, ..."""
    return dict(
        _sql.count_within(
            connection,
            account=account,
            entity=place.entity,
            category=place.category,
            status=place.status,
            thresholds=list(thresholds),
        )
    )


def write(connection: Connection, account: UUID, checked_at: datetime, found: Sequence[Found]) -> None:
    """Stores the result of a check, one row a stage; checks older than KEPT_DAYS are deleted."""
    _sql.add_row(
        connection,
        [
            {
                "account": account,
                "checked_at": checked_at,
                "entity": stage.place.entity,
                "category": stage.place.category,
                "status": stage.place.status,
                "portal_count": stage.portal_count,
                "our_count": stage.our_count,
                "portal_amounts": _json(stage.portal_amounts),
                "our_amounts": _json(stage.our_amounts),
                "missing_ids": list(stage.missing_ids),
                "surplus_ids": list(stage.surplus_ids),
                "differing_ids": list(stage.differing_ids),
                "rows_compared": stage.rows_compared,
                "is_equal": stage.is_equal,
                "is_explained": stage.is_explained,
                "is_repaired": stage.is_repaired,
                "explanation": stage.explanation,
            }
            for stage in found
        ],
    )
    _sql.prune(connection, account=account, days=KEPT_DAYS)


def note_compared(connection: Connection, account: UUID, place: Place, read_upto: int) -> None:
    """Notes up to which id a large stage was compared; 0 once all of it was."""
    _sql.note_compared(
        connection,
        account=account,
        entity=place.entity,
        category=place.category,
        status=place.status,
        read_upto=read_upto,
    )


def last_checks(connection: Connection) -> list[Checked]:
    """The stages of each portal's last check, also of a paused one, by portal, entity type, pipeline and stage."""
    with connection.cursor(row_factory=class_row(Checked)) as cursor:
        return cursor.execute(_sql.last_checks.sql).fetchall()


def _json(amounts: Mapping[str, Decimal] | None) -> Jsonb | None:
    """Amounts as text: a number of JSON would lose digits."""
    if amounts is None:
        return None
    return Jsonb({currency: str(amount) for currency, amount in amounts.items()})
