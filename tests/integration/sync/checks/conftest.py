"""A synced portal whose stages are checked, and changes that no sync has seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.checks.stages import check_stages
from b24_pipeline.sync.outcome import Outcome
from tests.support.installation import Installation, worked

Key = tuple[str, int, str]
Stages = dict[Key, dict[str, Any]]
STAGE_FIELDS = {"lead": "STATUS_ID", "deal": "STAGE_ID"}


@pytest.fixture
def portal(synced_portal: Portal) -> Portal:
    """A portal that was just synced."""
    return synced_portal


@pytest.fixture
def larger() -> Iterator[Sandbox]:
    """A portal with stages of many pages."""
    with Sandbox(SandboxConfig(leads=1200, deals=0, contacts=0, companies=0)) as made:
        yield made


@pytest.fixture
def large(installation: Installation, larger: Sandbox) -> Portal:
    """The same, synced."""
    connected = installation.add(larger)
    worked(installation.sync(connected))
    return connected


def check(installation: Installation, portal: Portal, **options: Any) -> list[Outcome]:
    """A check without a sync before it."""
    whole = options.pop("whole", False)
    with installation.job(portal, **options) as job:
        return check_stages(job, whole=whole)


def last(installation: Installation) -> Stages:
    """The last check, by stage."""
    rows = installation.rows(
        "select * from reconciliation where checked_at = (select max(checked_at) from reconciliation)"
    )
    return {(row["entity_type"], row["category_id"], row["status_id"]): row for row in rows}


def unequal(installation: Installation) -> Stages:
    return {key: row for key, row in last(installation).items() if not row["is_equal"]}


def requests_of_last(installation: Installation) -> int:
    (row,) = installation.rows(
        "select requests, sync_status, error_message from bitrix24_sync_log "
        "where entity_type = 'agreement' order by id desc limit 1"
    )
    assert row["sync_status"] == "success", row["error_message"]
    return int(row["requests"])


def there(sandbox: Sandbox) -> dict[Key, dict[int, tuple[Decimal, str]]]:
    """By stage, everybody in it with the amount: what the portal really has."""
    found: dict[Key, dict[int, tuple[Decimal, str]]] = {}
    for entity, field in STAGE_FIELDS.items():
        for row in sandbox.truth.raw(entity):
            if row.get("IS_RECURRING") != "Y":
                key = (entity, int(row.get("CATEGORY_ID") or 0), row[field])
                amount = Decimal(row["OPPORTUNITY"] or 0), row["CURRENCY_ID"] or ""
                found.setdefault(key, {})[int(row["ID"])] = amount
    return found


def sums(rows: Mapping[int, tuple[Decimal, str]]) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for amount, currency in rows.values():
        totals[currency] = totals.get(currency, Decimal()) + amount
    return totals


def decimals(amounts: Mapping[str, str] | None) -> dict[str, Decimal]:
    assert amounts is not None
    return {currency: Decimal(text) for currency, text in amounts.items()}


def some_deal(sandbox: Sandbox) -> tuple[int, Key]:
    """A deal of a stage that has more."""
    key, rows = next((k, r) for k, r in there(sandbox).items() if k[0] == "deal" and len(r) > 2)
    return sorted(rows)[1], key
