"""Raw rows for qualification, and who is qualified by the contract's words, computed in Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from b24_pipeline.store.crm import contact_links
from b24_pipeline.store.crm.contact_links import Contact, Owner, OwnerContacts
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.qualification import evaluation
from b24_pipeline.store.qualification.conditions import Condition, stored_form
from tests.support.installation import execute, fetch

CREATED = datetime(2026, 9, 1, tzinfo=UTC)
TABLES = {"lead": "bitrix24_leads", "deal": "bitrix24_deals", "contact": "bitrix24_contacts"}
ROWS = "select entity_type, entity_id, is_qualified, matched_field, first_qualified_at from bitrix24_qualification"


def moment(day: int) -> datetime:
    """So many days after everything was created."""
    return CREATED + timedelta(days=day)


def condition(
    field: str, kind: str, wanted: str | None = None, of: str = "deal", number: int | None = None
) -> Condition:
    """A condition in short."""
    value = {"enumeration": "enum_id", "string": "enum_value"}.get(kind)
    about = {"field_id": number, "field_name": field, "field_type": kind, "entity_type": of}
    return Condition.model_validate(about | ({value: wanted} if value else {}))


def put(
    warehouse: Warehouse,
    account: UUID,
    kind: str,
    number: int,
    fields: Mapping[str, Any],
    *,
    day: int = 1,
    contact: int | None = None,
    deleted: bool = False,
) -> None:
    """A lead, deal or contact as the portal has it since that day; stamped as a sync stamps it."""
    names = "user_account_id, id, date_create, date_modify, custom_fields, deleted_at"
    values: list[Any] = [
        account,
        number,
        CREATED,
        moment(day),
        Jsonb(fields),
        moment(day) if deleted else None,
    ]
    if kind != "contact":
        names, values = f"{names}, contact_id", [*values, contact]
    row = ", ".join(["%s"] * len(values))
    execute(
        warehouse,
        f"insert into {TABLES[kind]} ({names}) values ({row}) on conflict (user_account_id, id)"
        f" do update set ({names}) = row({', '.join(f'excluded.{one}' for one in names.split(', '))}),"
        " loaded_at = clock_timestamp()",
        *values,
    )


def link(warehouse: Warehouse, account: UUID, kind: str, number: int, *contacts: int) -> None:
    """The contacts of a lead or deal, as a sync stores them."""
    found = tuple(Contact(one, 10 * place, place == 1) for place, one in enumerate(contacts, 1))
    warehouse.transact(contact_links.merge, account, [OwnerContacts(Owner(kind, number), found)])


def store(warehouse: Warehouse, account: UUID, *conditions: Condition) -> None:
    """Conditions by SQL, past the service: nothing is checked, nothing evaluated."""
    execute(
        warehouse,
        "update user_accounts set bitrix24_qualification_fields = %s where id = %s",
        Jsonb(stored_form(conditions)),
        account,
    )


def evaluate(warehouse: Warehouse, account: UUID) -> None:
    """What follows a sync."""
    warehouse.transact(lambda connection: evaluation.qualify(connection, account))
    warehouse.transact(lambda connection: evaluation.mark_own_leads(connection, account))


def qualified(warehouse: Warehouse, account: UUID) -> dict[tuple[str, int], str]:
    """The matched field of each lead and deal that is qualified."""
    found = fetch(warehouse, f"{ROWS} where user_account_id = %s and is_qualified", account)
    return {(row["entity_type"], row["entity_id"]): row["matched_field"] for row in found}


def age(warehouse: Warehouse) -> None:
    """An hour passes: what was stored so far is out of what is looked at again."""
    for table in (*TABLES.values(), "bitrix24_contact_links", "bitrix24_qualification", "leads"):
        execute(warehouse, f"update {table} set loaded_at = loaded_at - interval '1 hour'")
    execute(warehouse, "update bitrix24_bookmarks set loaded_upto = loaded_upto - interval '5 minutes'")


def fulfils(one: Condition, value: Any) -> bool:
    """The contract's rule for a value, which is None where there is none."""
    if one.field_type == "boolean":
        return value in ("1", "Y") or value is True or (value == 1 and not isinstance(value, bool))
    values = value if isinstance(value, list) else [value]
    texts = [
        str(single) for single in values if isinstance(single, str | int) and not isinstance(single, bool)
    ]
    if one.field_type == "enumeration":
        return one.enum_id in texts
    return (one.enum_value or "").lower() in [text.lower() for text in texts]


def matched(
    conditions: Iterable[Condition],
    kind: str,
    fields: Mapping[str, Any],
    contact: Mapping[str, Any] | None,
) -> str | None:
    """The field of the first condition that is fulfilled."""
    for one in conditions:
        looked_in = (
            fields if one.entity_type == kind else (contact or {}) if one.entity_type == "contact" else {}
        )
        if fulfils(one, looked_in.get(one.field_name)):
            return one.field_name
    return None
