"""What the funnel must be, computed from the sandbox's own truth with pandas, apart from our code."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

import pandas as pd

from b24_pipeline.sandbox import Sandbox
from tests.support.expected.tables import (
    TABLES,
    assert_directories_equal,
    assert_entities_equal,
    assert_history_equal,
    rows,
)


def expected_funnel(
    sandbox: Sandbox, entity_type: str, qualified: Collection[int] = frozenset()
) -> pd.DataFrame:
    """`funnel_stats` by the contract's words, one row a pipeline and stage that is alive.

    `qualified`: ids of who is so; nobody unless somebody has set conditions or flags.
    """
    present, visits, stages = (
        _present(sandbox, entity_type),
        _visits(sandbox, entity_type),
        sandbox.truth.stages(entity_type),
    )
    visits = visits[visits["id"].isin(present["id"])]
    been = pd.concat(
        [visits[["id", "category_id", "status_id"]], present[["id", "category_id", "status_id"]]]
    )
    been = been.drop_duplicates()
    counted = [
        _stage(stage, stages, present, visits, been) | _qualified(stage, been, qualified)
        for stage in stages.itertuples()
    ]
    return pd.DataFrame(counted)


def _qualified(stage: Any, been: pd.DataFrame, qualified: Collection[int]) -> dict[str, Any]:
    there = been[(been["category_id"] == stage.category_id) & (been["status_id"] == stage.status_id)]
    return {"qualified": there[there["id"].isin(qualified)]["id"].nunique()}


def _present(sandbox: Sandbox, entity_type: str) -> pd.DataFrame:
    truth = sandbox.truth.entities(entity_type)
    if entity_type == "deal":  # templates of recurring deals are no deals
        truth = truth[truth["IS_RECURRING"] != "Y"]
    return pd.DataFrame(
        {
            "id": truth["ID"],
            "category_id": truth["CATEGORY_ID"].astype(int) if entity_type == "deal" else 0,
            "status_id": truth["STAGE_ID" if entity_type == "deal" else "STATUS_ID"],
            "amount": truth["OPPORTUNITY"].map(lambda value: value or Decimal(0)),
            "currency": truth["CURRENCY_ID"],
        }
    )


def _visits(sandbox: Sandbox, entity_type: str) -> pd.DataFrame:
    """Two moves in a row into the same stage are one visit; it ends at the next."""
    moves = sandbox.truth.history(entity_type).sort_values(["owner_id", "created_time", "history_id"])
    moves["category_id"] = moves["category_id"].fillna(0).astype(int) if entity_type == "deal" else 0
    owner = moves["owner_id"]
    same = (
        (owner == owner.shift())
        & (moves["stage_id"] == moves["stage_id"].shift())
        & (moves["category_id"] == moves["category_id"].shift())
    )
    visits = moves[~same].copy()
    visits["left"] = visits.groupby("owner_id")["created_time"].shift(-1)
    visits["seconds"] = (visits["left"] - visits["created_time"]).dt.total_seconds()
    return visits.rename(columns={"owner_id": "id", "stage_id": "status_id"})[
        ["id", "category_id", "status_id", "seconds"]
    ]


def _stage(
    stage: Any, stages: pd.DataFrame, present: pd.DataFrame, visits: pd.DataFrame, been: pd.DataFrame
) -> dict[str, Any]:
    here = present[(present["category_id"] == stage.category_id) & (present["status_id"] == stage.status_id)]
    own = been[been["category_id"] == stage.category_id]
    reached = own[own["status_id"] == stage.status_id]["id"].nunique()
    entered = own["id"].nunique()
    seconds = visits[(visits["category_id"] == stage.category_id) & (visits["status_id"] == stage.status_id)][
        "seconds"
    ].dropna()
    return {
        "category_id": int(stage.category_id),
        "status_id": stage.status_id,
        "in_stage": len(here),
        "entered": entered,
        "reached": reached,
        "reached_implied": _implied(stage, stages, own),
        "conversion_from_start": reached / entered if entered else None,
        "conversion_from_previous": _from_previous(stage, stages, own, reached),
        "median_seconds": float(seconds.median()) if len(seconds) else None,
        "mean_seconds": float(seconds.mean()) if len(seconds) else None,
        "amounts": dict(here.groupby("currency")["amount"].sum().items()),
    }


def _implied(stage: Any, stages: pd.DataFrame, own: pd.DataFrame) -> int:
    really = set(own[own["status_id"] == stage.status_id]["id"])
    if stage.semantics == "F":
        return len(really)
    of_pipeline = stages[(stages["category_id"] == stage.category_id) & (stages["semantics"] != "F")]
    sorts = own.merge(of_pipeline[["status_id", "sort"]], on="status_id").groupby("id")["sort"].max()
    return len(really | set(sorts[sorts >= stage.sort].index))


def _from_previous(stage: Any, stages: pd.DataFrame, own: pd.DataFrame, reached: int) -> float | None:
    earlier = stages[
        (stages["category_id"] == stage.category_id)
        & (stages["semantics"] == "P")
        & (stages["sort"] < stage.sort)
    ].sort_values("sort")
    if earlier.empty:
        return None
    before = own[own["status_id"] == earlier.iloc[-1]["status_id"]]["id"].nunique()
    return reached / before if before else None


def assert_funnel_equal(
    url: str, sandbox: Sandbox, portal: str, entity_type: str, qualified: Collection[int] = frozenset()
) -> None:
    """Every figure of every stage that is alive."""
    stored = {
        (row["category_id"], row["status_id"]): row
        for row in rows(
            url,
            "select * from analytics.funnel_stats where portal = %s and entity_type = %s",
            portal,
            entity_type,
        )
    }
    for expected in expected_funnel(sandbox, entity_type, qualified).to_dict("records"):
        row = stored[expected["category_id"], expected["status_id"]]
        for figure in ("in_stage", "entered", "reached", "reached_implied", "qualified"):
            assert row[figure] == expected[figure], (figure, expected, row)
        for figure in (
            "conversion_from_start",
            "conversion_from_previous",
            "median_seconds",
            "mean_seconds",
        ):
            assert close(row[figure], expected[figure]), (figure, expected, row)
        amounts = {currency: Decimal(str(total)) for currency, total in row["amounts_by_currency"].items()}
        assert {currency: total for currency, total in amounts.items() if total} == {
            currency: total for currency, total in expected["amounts"].items() if total
        }


def close(found: Any, expected: float | None) -> bool:
    """Equal up to the digits that the mart keeps."""
    if expected is None or pd.isna(expected):
        return found is None
    return found is not None and abs(float(found) - expected) <= 1e-5 * max(1.0, abs(expected))


def assert_copy_is_true(url: str, sandbox: Sandbox, portal: str) -> None:
    """Everything: rows, directories, history and the funnel."""
    for entity_type in TABLES:
        assert_entities_equal(url, sandbox, entity_type)
    assert_directories_equal(url, sandbox)
    for entity_type in ("lead", "deal"):
        assert_history_equal(url, sandbox, entity_type)
        assert_funnel_equal(url, sandbox, portal, entity_type)
