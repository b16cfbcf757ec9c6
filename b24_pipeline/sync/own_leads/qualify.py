"""Evaluates qualification after the copy has changed, and marks own leads by it."""

from __future__ import annotations

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.qualification import evaluation


def qualify(warehouse: Warehouse, portal: Portal) -> None:
    """Evaluates the leads and deals that changed, or all if the conditions changed. Raises ConditionRefused."""
    warehouse.transact(evaluation.qualify, portal.id)


def mark_own_leads(warehouse: Warehouse, portal: Portal) -> None:
    """Updates `leads.is_qualified` of the own leads whose qualification or link has changed."""
    warehouse.transact(evaluation.mark_own_leads, portal.id)
