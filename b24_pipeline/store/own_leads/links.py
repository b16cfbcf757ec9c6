"""What a person has said that an own lead has become; all in the caller's transaction."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from b24_pipeline.errors import UsageError
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection

_sql = queries.load(__file__)

LARGEST_ID = 2**63 - 1


class LinkedTo(NamedTuple):
    """A lead or deal of the CRM."""

    entity_type: str
    entity_id: int


def hold(connection: Connection, account: UUID, own_lead: UUID) -> None:
    """Keeps the own lead from being deleted meanwhile. Raises UsageError where there is no such one."""
    if not _sql.hold_own_lead(connection, account=account, own_lead=own_lead):
        raise UsageError("there is no such own lead in this portal").of_case("no_own_lead")


def link(connection: Connection, account: UUID, own_lead: UUID, entity: LinkedTo) -> None:
    """It has become this lead or deal. Raises UsageError where the copy does not have it."""
    entity_type, entity_id = entity
    there = entity_id <= LARGEST_ID and _sql.is_there(
        connection, account=account, entity_type=entity_type, entity_id=entity_id
    )
    if not there:
        raise UsageError(
            f"the copy has no {entity_type} {entity_id}, or it was deleted in the portal"
        ).of_case(f"no_{entity_type}", number=entity_id)
    _sql.decide(connection, account=account, own_lead=own_lead, entity_type=entity_type, entity_id=entity_id)


def unlink(connection: Connection, account: UUID, own_lead: UUID) -> None:
    """It has become nothing."""
    _sql.decide(connection, account=account, own_lead=own_lead, entity_type=None, entity_id=None)


def withdraw(connection: Connection, account: UUID, own_lead: UUID) -> None:
    """The matching by phone decides again."""
    _sql.withdraw(connection, account=account, own_lead=own_lead)
