"""The figures in Python: every mart as a pandas DataFrame with proper types.

    from b24_pipeline import read

    read.marts()                                            # what there is
    read.funnel(portal="acme", entity_type="deal")
    read.deals(portal="acme", created_from="2026-01-01", created_to="2026-03-31")
    read.mart("funnel_daily", portal="acme", date_from="2026-03-01")

The database is that of the settings (`DATABASE_URL`, or the embedded one);
every function also takes `url="postgresql://..."` or a SQLAlchemy `engine`.
The role of an analyst (`b24 analysts grant`) is enough.

Types: whole numbers Int64, text string, yes/no boolean, fractions Float64,
times datetime64[ns, UTC], days datetime64[ns] (both in microseconds where a
year lies beyond 1678-2261), amounts `decimal.Decimal` objects, so that they
add up to the last digit, JSON dicts and lists, the portal and columns of few
known values categories. What is missing is pd.NA, NaT, NaN or None, as each type has it.

Days are days of the portal's clock, first and last included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from b24_pipeline.errors import NoCustomFields, UsageError, WrongDates
from b24_pipeline.read.connection import reading
from b24_pipeline.read.frames import frame
from b24_pipeline.read.marts import Mart, columns_of, mart_models, mart_of
from b24_pipeline.read.rows import Choice, Day, choice, require_portal, rows_of
from b24_pipeline.store.marts.names import schema_name

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy.engine import Engine

__all__ = [
    "columns",
    "contacts",
    "custom_fields",
    "deals",
    "funnel",
    "leads",
    "mart",
    "marts",
    "stage_intervals",
]

_FUNNEL_ORDER = ["portal", "entity_type", "category_id", "status_sort", "status_id"]


def marts(*, url: str | None = None, engine: Engine | None = None) -> pd.DataFrame:
    """What can be read: name, date_column (None where a mart has no dates), description."""
    import pandas as pd

    with reading(url, engine) as connection:
        built = [mart_of(connection, name) for name in mart_models()]
    rows = [(one.name, _date_column(one), mart_models()[one.name].description) for one in built]
    return pd.DataFrame(rows, columns=["name", "date_column", "description"], dtype="string")


def columns(name: str, *, url: str | None = None, engine: Engine | None = None) -> pd.DataFrame:
    """The columns of a mart: name, type (PostgreSQL's), description. Raises UnknownMart."""
    import pandas as pd

    with reading(url, engine) as connection:
        found = mart_of(connection, name)
    rows = [(one.name, one.type, one.description) for one in found.columns]
    return pd.DataFrame(rows, columns=["name", "type", "description"], dtype="string")


def mart(
    name: str,
    *,
    portal: str | None = None,
    entity_type: str | None = None,
    date_from: Day | None = None,
    date_to: Day | None = None,
    date_column: str | None = None,
    url: str | None = None,
    engine: Engine | None = None,
) -> pd.DataFrame:
    """All rows of a mart, or those of one portal, entity type and range of days.

    Days are about the mart's first column of days or times (`marts()` tells
    which) unless `date_column` names another. Raises UnknownMart, UnknownPortal,
    WrongDates (also where the mart has no dates), DatabaseNotMigrated where it
    is not built, ReadingRefused where the role may not read it.
    """
    chosen = choice(portal, entity_type, date_from, date_to, date_column)
    with reading(url, engine) as connection:
        found = mart_of(connection, name)
        return frame(found, rows_of(connection, found, chosen).fetchall())


def funnel(
    *,
    portal: str | None = None,
    entity_type: str = "deal",
    pipeline: int | None = None,
    url: str | None = None,
    engine: Engine | None = None,
) -> pd.DataFrame:
    """The funnel of leads or deals as it stands now, stage by stage (`funnel_stats`), of one pipeline or all."""
    if entity_type not in ("lead", "deal"):
        raise UsageError(f"{entity_type!r} has no funnel; choose lead or deal")
    found = mart("funnel_stats", portal=portal, entity_type=entity_type, url=url, engine=engine)
    if pipeline is not None:
        found = found[found["category_id"] == pipeline]
    return found.sort_values(_FUNNEL_ORDER, ignore_index=True)


def deals(
    *,
    portal: str | None = None,
    created_from: Day | None = None,
    created_to: Day | None = None,
    url: str | None = None,
    engine: Engine | None = None,
) -> pd.DataFrame:
    """Deals alive with their labels (`fct_deal`), of one portal and by day of creation, or all."""
    return mart(
        "fct_deal",
        portal=portal,
        date_from=created_from,
        date_to=created_to,
        date_column="date_create",
        url=url,
        engine=engine,
    )


def leads(
    *,
    portal: str | None = None,
    created_from: Day | None = None,
    created_to: Day | None = None,
    url: str | None = None,
    engine: Engine | None = None,
) -> pd.DataFrame:
    """Leads alive with their labels (`fct_lead`), of one portal and by day of creation, or all."""
    return mart(
        "fct_lead",
        portal=portal,
        date_from=created_from,
        date_to=created_to,
        date_column="date_create",
        url=url,
        engine=engine,
    )


def contacts(
    *, portal: str | None = None, url: str | None = None, engine: Engine | None = None
) -> pd.DataFrame:
    """Contacts alive, phone and e-mail masked (`dim_contact`)."""
    return mart("dim_contact", portal=portal, url=url, engine=engine)


def stage_intervals(
    *,
    portal: str | None = None,
    entity_type: str | None = None,
    entered_from: Day | None = None,
    entered_to: Day | None = None,
    url: str | None = None,
    engine: Engine | None = None,
) -> pd.DataFrame:
    """Visits of stages (`fct_stage_interval`), by the day on which they began, or all."""
    return mart(
        "fct_stage_interval",
        portal=portal,
        entity_type=entity_type,
        date_from=entered_from,
        date_to=entered_to,
        date_column="entered_at",
        url=url,
        engine=engine,
    )


def custom_fields(
    portal: str, entity_type: str = "deal", *, url: str | None = None, engine: Engine | None = None
) -> pd.DataFrame:
    """Custom fields of a portal's leads, deals, contacts or companies, typed, with `entity_id` to join by.

    Raises UnknownPortal, and NoCustomFields where the portal was not synced yet.
    """
    if entity_type not in ("lead", "deal", "contact", "company"):
        raise UsageError(f"{entity_type!r} has no custom fields; choose lead, deal, contact or company")
    schema, name = schema_name(portal), f"{entity_type}_custom_fields"
    with reading(url, engine) as connection:
        require_portal(connection, portal)
        found = Mart(schema, name, columns_of(connection, schema, name), {})
        if not found.columns:
            raise NoCustomFields(portal)
        return frame(found, rows_of(connection, found, Choice()).fetchall())


def _date_column(one: Mart) -> str | None:
    try:
        return one.date_column().name
    except WrongDates:
        return None
