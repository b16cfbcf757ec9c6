"""Velocity, losses and won revenue by their documented words, computed entity by entity apart from the SQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import pandas as pd

from tests.support.expected.cohort_figures import Entity, Place, World


@dataclass(frozen=True)
class Closing:
    """Since when an entity is won or lost, and the stage where it was before."""

    entity: Entity
    category: int
    outcome: str
    closed: datetime
    lost_from: str | None


def closings(known: World) -> list[Closing]:
    """Everything that is won or lost now."""
    found = []
    for entity in known.alive():
        here = entity.way[-1][0]
        outcome = known.outcome(entity, here)
        if outcome is None:
            continue
        closed = entity.way[-1][1]
        for place, moment in reversed(entity.way):
            if place[0] != here[0] or known.outcome(entity, place) != outcome:
                break
            closed = moment
        opened = [
            place[1]
            for place, _ in entity.way
            if place[0] == here[0] and known.outcome(entity, place) is None
        ]
        found.append(Closing(entity, here[0], outcome, closed, opened[-1] if opened else None))
    return found


def reopened(known: World, entity: Entity) -> int:
    """How often it came from a stage where it was won or lost to an open one of the same pipeline."""
    return sum(
        before[0] == after[0]
        and known.outcome(entity, before) is not None
        and known.outcome(entity, after) is None
        for (before, _), (after, _) in pairwise(entity.way)
    )


def velocity(known: World) -> dict[tuple[Any, ...], dict[str, float | None]]:
    """Figures by portal, type, pipeline, currency and month of closing."""
    rows = pd.DataFrame(
        [
            {
                "portal": closing.entity.portal,
                "entity_type": closing.entity.entity_type,
                "category_id": closing.category,
                "currency_id": closing.entity.currency,
                "month": closing.entity.month(closing.closed),
                "outcome": closing.outcome,
                "amount": None if closing.entity.amount is None else float(closing.entity.amount),
                "days": (closing.closed - closing.entity.created).total_seconds() / 86400,
            }
            for closing in closings(known)
        ]
    )
    keys = ["portal", "entity_type", "category_id", "currency_id", "month"]
    return {key: _velocity(group) for key, group in rows.groupby(keys)}


def _velocity(group: pd.DataFrame) -> dict[str, float | None]:
    won, lost = group[group["outcome"] == "won"], group[group["outcome"] == "lost"]
    amounts = won["amount"].astype(float)
    won_amount, lost_amount = amounts.sum(), lost["amount"].astype(float).sum()
    average, mean = amounts.mean(), won["days"].mean()
    win_rate = len(won) / len(group)
    values = {
        "opportunities": len(group),
        "won": len(won),
        "lost": len(lost),
        "win_rate": win_rate,
        "won_amount": won_amount,
        "lost_amount": lost_amount,
        "win_rate_by_amount": won_amount / (won_amount + lost_amount) if won_amount + lost_amount else None,
        "average_won_amount": average,
        "median_cycle_days": won["days"].median(),
        "mean_cycle_days": mean,
        "velocity_per_day": len(group) * win_rate * average / mean if mean > 0 else None,
    }
    return {name: None if pd.isna(value) else float(value) for name, value in values.items()}


def losses(known: World) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Count, share and amounts by portal, type, pipeline and stage before the loss."""
    lost = [closing for closing in closings(known) if closing.outcome == "lost"]
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for closing in lost:
        pipeline = closing.entity.pipeline(closing.category)
        row = found.setdefault((*pipeline, closing.lost_from), {"lost": 0, "amounts": {}})
        row["lost"] += 1
        if closing.entity.amount is not None:
            before = row["amounts"].get(closing.entity.currency, 0)
            row["amounts"][closing.entity.currency] = before + closing.entity.amount
    for key, row in found.items():
        row["share"] = row["lost"] / sum(
            other["lost"] for name, other in found.items() if name[:3] == key[:3]
        )
    return found


def won_deals(known: World) -> set[tuple[Any, ...]]:
    """One row a deal that is won now."""
    return {
        (
            closing.entity.portal,
            closing.entity.number,
            closing.category,
            closing.closed,
            closing.closed.astimezone(closing.entity.zone).date(),
            closing.entity.amount,
            closing.entity.currency,
        )
        for closing in closings(known)
        if closing.outcome == "won" and closing.entity.entity_type == "deal"
    }


def ledger(known: World) -> dict[tuple[Any, ...], list[Any]]:
    """Booked deals and amount, reversed deals and amount, by portal, pipeline, currency and day."""
    found: dict[tuple[Any, ...], list[Any]] = {}
    for entity in known.entities:
        if entity.entity_type != "deal":
            continue
        for category, moment, column in _turns(known, entity):
            day = moment.astimezone(entity.zone).date()
            row = found.setdefault((entity.portal, category, entity.currency, day), [0, 0, 0, 0])
            row[column] += 1
            row[column + 1] += entity.amount or 0
    return found


def _turns(known: World, entity: Entity) -> Iterator[tuple[int, datetime, int]]:
    """(pipeline, moment, 0 where it became won or 2 where it ceased to be)."""
    won_in: int | None = None
    moves: list[tuple[Place | None, datetime]] = [*entity.way]
    if entity.gone:
        moves = [*((place, moment) for place, moment in moves if moment < entity.gone), (None, entity.gone)]
    for place, moment in moves:
        now_in = place[0] if place and known.outcome(entity, place) == "won" else None
        if now_in == won_in:
            continue
        if won_in is not None:
            yield won_in, moment, 2
        if now_in is not None:
            yield now_in, moment, 0
        won_in = now_in
