"""The marts in Python: each as a pandas DataFrame with typed columns.

    from b24_pipeline import read

    read.marts()                                            # the marts, with descriptions
    read.funnel(portal="acme", entity_type="deal")
    read.funnel_as_of("acme", "deal", "2026-03-01")
    read.funnel_of("acme", "deal", source_id="WEB", created_from="2026-01-01")
    read.people_of("acme", "deal", closed_from="2026-03-01", closed_to="2026-03-31")
    read.creatives_of("acme", "deal", by="campaign", left_from="2026-03-01", left_to="2026-03-31")
    read.deals(portal="acme", created_from="2026-01-01", created_to="2026-03-31")
    read.mart("funnel_daily", portal="acme", date_from="2026-03-01")

The database is the one of the settings (`DATABASE_URL`, or the embedded
PostgreSQL); every function also takes `url="postgresql://..."` or a SQLAlchemy
`engine`. The role of an analyst (`b24 analysts grant`) is enough.

Types: whole numbers are Int64, text is string, flags are boolean, shares and lengths
of time (in seconds or days) are Float64, times are datetime64[ns, UTC], days are datetime64[ns] (both in
microseconds where a year is outside of 1678-2261), durations are
timedelta64[ns], amounts are `decimal.Decimal` objects that add up to the last
digit, JSON is dicts and lists, the portal and columns with few known values are
categories. A missing value is pd.NA, NaT, NaN or None, depending on the type.

Days are days in the portal's time zone; the first and the last are included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from b24_pipeline.errors import NoCustomFields, UsageError, WrongDates
from b24_pipeline.read.connection import engine, reading
from b24_pipeline.read.frames import frame
from b24_pipeline.read.marts import Mart, columns_of, function_rows, mart_models, mart_of
from b24_pipeline.read.rows import (
    FUNCTIONS,
    FUNNEL_AS_OF,
    Choice,
    Day,
    choice,
    chosen_pipelines,
    described_funnel,
    funnel_at,
    require_portal,
    rows_of,
)
from b24_pipeline.read.selections import creatives_of, funnel_of, people_of
from b24_pipeline.store.marts.names import schema_name

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy.engine import Connection, Engine

__all__ = [
    "columns",
    "contacts",
    "creatives_of",
    "custom_fields",
    "deals",
    "engine",
    "funnel",
    "funnel_as_of",
    "funnel_of",
    "leads",
    "mart",
    "marts",
    "people_of",
    "stage_intervals",
]

_CUSTOM_FIELDS = "_custom_fields"
_HAVE_CUSTOM_FIELDS = ("lead", "deal", "contact", "company")
_FUNNEL_ORDER = ["portal", "entity_type", "category_id", "status_sort", "status_id"]


def marts(*, url: str | None = None, engine: Engine | None = None) -> pd.DataFrame:
    """The marts that can be read: name, date_column (missing where a mart has no dates), description."""
    import pandas as pd

    with reading(url, engine) as connection:
        built = [mart_of(connection, name) for name in mart_models()]
    rows = [(found.name, _date_column(found), mart_models()[found.name].description) for found in built]
    return pd.DataFrame(rows, columns=["name", "date_column", "description"], dtype="string")


def columns(
    name: str, *, portal: str | None = None, url: str | None = None, engine: Engine | None = None
) -> pd.DataFrame:
    """The columns of a mart, or of what a function such as `funnel_as_of` gives: name, type as PostgreSQL names it,
    description. Raises UnknownMart.

    With `portal` also those of its custom fields, `columns("deal_custom_fields", portal="acme")`: the description is
    the field's label. Raises UnknownPortal and NoCustomFields.
    """
    import pandas as pd

    entity_type = name.removesuffix(_CUSTOM_FIELDS)
    if portal and entity_type in _HAVE_CUSTOM_FIELDS and entity_type != name:
        with reading(url, engine, grant=f"--custom-fields {portal}") as connection:
            found = _custom_fields_of(connection, portal, entity_type)
    else:
        with reading(url, engine) as connection:
            if name == FUNNEL_AS_OF:
                found = described_funnel(connection)
            else:
                found = (function_rows if name in FUNCTIONS else mart_of)(connection, name)
    rows = [(column.name, column.type, column.description) for column in found.columns]
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
    """The rows of a mart: all, or those of a portal, an entity type and a range of days.

    The days are compared with the mart's first column of days or times (`marts()`
    shows which), or with `date_column`. Raises UnknownMart, UnknownPortal,
    WrongDates (also where the mart has no dates), DatabaseNotMigrated where it
    is not built, ReadingRefused where the role may not read it.
    """
    chosen = choice(portal, entity_type, date_from, date_to, date_column)
    with reading(url, engine) as connection:
        found = mart_of(connection, name)
        return frame(found, rows_of(connection, found, chosen).fetchall())


def funnel(
    portal: str | None = None,
    entity_type: str = "deal",
    *,
    pipeline: int | str | None = None,
    url: str | None = None,
    engine: Engine | None = None,
) -> pd.DataFrame:
    """The funnel of leads or deals as it is now, one row a stage (`funnel_stats`); of one pipeline, or of all.

    `pipeline`: its number or its name. Raises UnknownPortal, and UsageError for a pipeline that there is not.
    """
    if entity_type not in ("lead", "deal"):
        raise UsageError(f"{entity_type!r} has no funnel; choose lead or deal")
    found = mart("funnel_stats", portal=portal, entity_type=entity_type, url=url, engine=engine)
    pipelines = list(zip(found["category_id"], found["category_name"], strict=True))
    if pipeline is not None and pipelines:
        wanted = chosen_pipelines(pipeline, pipelines)
        found = found[[one in wanted for one in pipelines]]
    return found.sort_values(_FUNNEL_ORDER, ignore_index=True)


def funnel_as_of(
    portal: str,
    entity_type: str,
    moment: Day,
    *,
    url: str | None = None,
    engine: Engine | None = None,
) -> pd.DataFrame:
    """The funnel of a portal's leads or deals as it stood at a moment, one row a stage.

    A day, or a time without a zone, is of the portal's clock; a day is its first moment. Amounts are those of now of
    those who were there then: the portal keeps no earlier ones. Raises UnknownPortal and WrongDates.
    """
    if entity_type not in ("lead", "deal"):
        raise UsageError(f"{entity_type!r} has no funnel; choose lead or deal")
    with reading(url, engine) as connection:
        require_portal(connection, portal)
        return frame(*funnel_at(connection, portal, entity_type, moment))


def deals(
    portal: str | None = None,
    *,
    created_from: Day | None = None,
    created_to: Day | None = None,
    url: str | None = None,
    engine: Engine | None = None,
) -> pd.DataFrame:
    """Deals that are not deleted, with their labels (`fct_deal`); all, or by portal and day of creation."""
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
    portal: str | None = None,
    *,
    created_from: Day | None = None,
    created_to: Day | None = None,
    url: str | None = None,
    engine: Engine | None = None,
) -> pd.DataFrame:
    """Leads that are not deleted, with their labels (`fct_lead`); all, or by portal and day of creation."""
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
    portal: str | None = None, *, url: str | None = None, engine: Engine | None = None
) -> pd.DataFrame:
    """Contacts that are not deleted, their phones and e-mails masked (`dim_contact`); all, or by portal."""
    return mart("dim_contact", portal=portal, url=url, engine=engine)


def stage_intervals(
    portal: str | None = None,
    *,
    entity_type: str | None = None,
    entered_from: Day | None = None,
    entered_to: Day | None = None,
    url: str | None = None,
    engine: Engine | None = None,
) -> pd.DataFrame:
    """Visits of stages (`fct_stage_interval`); all, or by portal, entity type and the day on which they began."""
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
    """Custom fields of a portal's leads, deals, contacts or companies: one row an entity, typed, with its `entity_id`.

    `.attrs["labels"]` has the label of each field by its column. Raises UnknownPortal, NoCustomFields where the portal
    was not synced yet, and ReadingRefused where the role was not granted the portal's custom fields.
    """
    if entity_type not in _HAVE_CUSTOM_FIELDS:
        raise UsageError(
            f"{entity_type!r}: choose lead, deal, contact or company; invoices, quotes and smart processes have "
            f"theirs in SQL, in views of the schema {schema_name(portal)}"
        )
    with reading(url, engine, grant=f"--custom-fields {portal}") as connection:
        found = _custom_fields_of(connection, portal, entity_type)
        made = frame(found, rows_of(connection, found, Choice()).fetchall())
    made.attrs["labels"] = {
        column.name: column.description for column in found.columns if column.name != "entity_id"
    }
    return made


def _custom_fields_of(connection: Connection, portal: str, entity_type: str) -> Mart:
    """The view of custom fields. Raises UnknownPortal and NoCustomFields."""
    schema, name = schema_name(portal), f"{entity_type}{_CUSTOM_FIELDS}"
    require_portal(connection, portal)
    found = Mart(schema, name, columns_of(connection, schema, name), {})
    if not found.columns:
        raise NoCustomFields(portal)
    return found


def _date_column(found: Mart) -> str | None:
    try:
        return found.date_column().name
    except WrongDates:
        return None
