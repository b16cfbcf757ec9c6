"""Qualification follows the copy, and the own leads follow it."""

from __future__ import annotations

from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.qualification import evaluation


def qualify(warehouse: Warehouse, portal: Portal) -> None:
    """Evaluates the leads and deals that changed, or all where the conditions did. Raises ConditionRefused."""
    warehouse.transact(evaluation.qualify, portal.id)


def follow_own_leads(warehouse: Warehouse, portal: Portal) -> None:
    """`leads.is_qualified` follows qualification and the links of matching; costs what changed."""
    warehouse.transact(evaluation.mark_own_leads, portal.id)
