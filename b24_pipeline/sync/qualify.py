"""Qualification follows the copy, and the own leads follow it."""

from __future__ import annotations

from b24_pipeline.store import qualification
from b24_pipeline.store.pool import Warehouse
from b24_pipeline.store.portals import Portal


def qualify(warehouse: Warehouse, portal: Portal) -> None:
    """Evaluates the leads and deals that changed, or all where the conditions did. Raises ConditionRefused."""
    warehouse.transact(lambda connection: qualification.qualify(connection, portal.id))


def follow_own_leads(warehouse: Warehouse, portal: Portal) -> None:
    """`leads.is_qualified` follows qualification and the links of matching; costs what changed."""
    warehouse.transact(lambda connection: qualification.mark_own_leads(connection, portal.id))
