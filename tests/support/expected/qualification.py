"""`qualification` computed from the sandbox's own truth with pandas, apart from our code."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from b24_pipeline.sandbox import Sandbox
from tests.support.expected.tables import rows

Condition = Mapping[str, Any]
Kept = dict[tuple[str, int], tuple[bool, str | None, Any]]
KINDS = ("boolean", "enumeration", "string")


def some_conditions(sandbox: Sandbox, seed: int) -> list[dict[str, Any]]:
    """Three on fields of leads, deals and contacts, in any order; each is fulfilled by somebody."""
    chance = random.Random(seed)
    found = [_on_a_field_of(sandbox, owner, chance) for owner in ("lead", "deal", "contact")]
    chance.shuffle(found)
    return found


def _on_a_field_of(sandbox: Sandbox, owner: str, chance: random.Random) -> dict[str, Any]:
    fields = [one for one in sandbox.portal.entities[owner].user_fields if one.type in KINDS]
    field = chance.choice(fields)
    condition = {"field_name": field.name, "field_type": field.type, "entity_type": owner}
    if field.type == "enumeration":
        return condition | {"enum_id": str(chance.choice(field.options).id)}
    if field.type == "string":
        there = sandbox.truth.entities(owner)[field.name].explode().dropna()
        # of a few letters another case is another letter
        fitting = [one for one in there if one and one.swapcase().lower() == one.lower()]
        return condition | {"enum_value": chance.choice(fitting).swapcase()}
    return condition


def fulfilled(condition: Condition, values: pd.Series[Any]) -> pd.Series[bool]:
    """By the contract's words; values are as a list of the portal has them."""
    each = values.map(lambda value: [str(one) for one in (value if isinstance(value, list) else [value])])
    if condition["field_type"] == "boolean":
        return values.isin(["1", "Y"])
    if condition["field_type"] == "enumeration":
        return each.map(lambda texts: condition["enum_id"] in texts)
    wanted = condition["enum_value"].lower()
    return each.map(lambda texts: wanted in [text.lower() for text in texts])


def expected_qualification(sandbox: Sandbox, conditions: Sequence[Condition], before: Kept) -> Kept:
    """Of each lead and deal alive: is qualified, by which field, since when. `before`: the same after the last sync."""
    now: Kept = {}
    for entity_type in ("lead", "deal"):
        table = _matched(sandbox, conditions, entity_type)
        for number, field, since in zip(table["ID"], table["field"], table["since"], strict=True):
            _, old_field, old_since = before.get((entity_type, number), (False, None, None))
            first = old_since if old_since is not None else since if field else None
            now[entity_type, number] = (bool(field), field or old_field, first)
    return now


def _matched(sandbox: Sandbox, conditions: Sequence[Condition], entity_type: str) -> pd.DataFrame:
    table = sandbox.truth.entities(entity_type)
    if entity_type == "deal":  # templates of recurring deals are no deals
        table = table[table["IS_RECURRING"] != "Y"]
    contacts: Any = sandbox.truth.entities("contact").set_index("ID")
    linked = sandbox.truth.contacts(entity_type)
    masks, fields, since = [], [], []
    for condition in conditions:
        owner, name = condition["entity_type"], condition["field_name"]
        if owner == entity_type:
            values: Any = table[name]
            masks.append(fulfilled(condition, values))
            since.append(table["DATE_MODIFY"])
        elif owner == "contact":
            first = _first_contact(table, linked, contacts[fulfilled(condition, contacts[name])])
            masks.append(first.notna())
            since.append(pd.concat([first, table["DATE_CREATE"]], axis=1).max(axis=1))
        else:
            continue
        fields.append(name)
    table["field"] = np.select(masks, fields, "")
    table["since"] = pd.Series(np.select(masks, [one.astype("int64") for one in since], 0), table.index)
    units = {one.dtype for one in since}
    assert len(units) == 1
    table["since"] = table["since"].astype(units.pop())
    return table


def _first_contact(
    table: pd.DataFrame, linked: Mapping[int, Sequence[int]], fulfilling: pd.DataFrame
) -> pd.Series[Any]:
    """When the first of each entity's contacts that fulfil a condition was modified; NaT where none does."""
    modified = fulfilling["DATE_MODIFY"].to_dict()
    return pd.Series(
        [
            min((modified[contact] for contact in linked[number] if contact in modified), default=pd.NaT)
            for number in table["ID"]
        ],
        index=table.index,
        dtype=table["DATE_CREATE"].dtype,
    )


def assert_qualification_equal(
    url: str, sandbox: Sandbox, portal: str, conditions: Sequence[Condition], before: Kept
) -> Kept:
    """The mart, row by row; returns what is to be kept for the next time, the dead included."""
    expected = expected_qualification(sandbox, conditions, before)
    stored = {
        (row["entity_type"], row["entity_id"]): (
            row["is_qualified"],
            row["matched_field"],
            row["first_qualified_at"],
        )
        for row in rows(url, "select * from analytics.qualification where portal = %s", portal)
    }
    assert set(stored) == set(expected)
    differing = {key: (stored[key], expected[key]) for key in stored if stored[key] != expected[key]}
    assert not differing, (conditions, [*differing.items()][:5])
    return before | expected
