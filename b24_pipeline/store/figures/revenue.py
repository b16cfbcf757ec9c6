"""Won revenue by month and currency, by source or campaign, and how fast deals are won. All of it from the marts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from psycopg.rows import class_row

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)

Origin = Literal["source", "campaign"]
"""What a deal came from: its source in the CRM, or its `utm_campaign`."""


@dataclass(frozen=True, slots=True)
class RevenueMonth:
    """What was won in a month in one currency, and what was taken back (`reversed_amount` is positive)."""

    currency_id: str
    month: date
    booked_deals: int
    booked_amount: Decimal
    reversed_deals: int
    reversed_amount: Decimal
    net_amount: Decimal

    @property
    def net_deals(self) -> int:
        """Deals that were won, less those that were taken back."""
        return self.booked_deals - self.reversed_deals


@dataclass(frozen=True, slots=True)
class Velocity:
    """Deals of a pipeline and currency that were closed in a month."""

    category_name: str
    currency_id: str
    closed_month: date
    opportunities: int
    won: int
    win_rate: Decimal | None
    average_won_amount: Decimal | None
    median_cycle_days: Decimal | None
    velocity_per_day: Decimal | None


@dataclass(frozen=True, slots=True)
class RevenueOfOrigin:
    """Won deals of a source or campaign in one currency; `origin` is None where they have none."""

    origin: str | None
    currency_id: str
    won: int
    amount: Decimal | None
    average_amount: Decimal | None


def revenue_months(
    connection: Connection, portal: str, category_id: int | None, first: date | None, last: date | None
) -> list[RevenueMonth]:
    """The months from `first` to `last`, the latest first; of one pipeline, or of all where it is None."""
    with connection.cursor(row_factory=class_row(RevenueMonth)) as cursor:
        return cursor.execute(_sql.months.sql, _of(portal, category_id, first, last)).fetchall()


def velocities(
    connection: Connection, portal: str, category_id: int | None, first: date | None, last: date | None
) -> list[Velocity]:
    """Win rate, average deal and velocity by month, the latest first."""
    with connection.cursor(row_factory=class_row(Velocity)) as cursor:
        return cursor.execute(_sql.velocity.sql, _of(portal, category_id, first, last)).fetchall()


def revenue_by_origin(
    connection: Connection,
    account: UUID,
    category_id: int | None,
    first: date | None,
    last: date | None,
    by: Origin,
) -> list[RevenueOfOrigin]:
    """Deals won from `first` to `last` and won still, by source or campaign, the most deals first."""
    with connection.cursor(row_factory=class_row(RevenueOfOrigin)) as cursor:
        of = {"account": account, "category_id": category_id, "first_day": first, "last_day": last, "by": by}
        return cursor.execute(_sql.origins.sql, of).fetchall()


def own_currency(connection: Connection, portal: str) -> str | None:
    """The currency of the account; None where the portal has not named it."""
    found: str | None = _sql.own_currency(connection, portal=portal)
    return found


def _of(portal: str, category_id: int | None, first: date | None, last: date | None) -> dict[str, object]:
    return {"portal": portal, "category_id": category_id, "first_day": first, "last_day": last}
