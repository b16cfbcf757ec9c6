"""Own ad leads and what they have become in the CRM."""

from __future__ import annotations

import dagster as dg

OWN = "own"
LINKS = "links"

OWN_TABLES = {"leads": "leads", "creatives": "creatives", "directions": "account_directions"}
"""Tables that are imported or inserted, by their name as a dbt source."""

_DESCRIPTIONS = {
    "leads": "Own ad leads (`b24 leads import`): who left a phone in an advertisement.",
    "creatives": "Ad creatives that own leads came from.",
    "directions": "What is advertised, with its key stages.",
}

own_tables = [
    dg.AssetSpec(
        [OWN, name],
        description=_DESCRIPTIONS[name],
        group_name=LINKS,
        kinds={"postgres"},
        metadata={"dagster/table_name": f"public.{table}"},
    )
    for name, table in OWN_TABLES.items()
]

lead_matches = dg.AssetSpec(
    [OWN, "lead_matches"],
    description="How each own lead was matched to the CRM, or why it was not.",
    group_name=LINKS,
    kinds={"postgres"},
    metadata={"dagster/table_name": "public.lead_matches"},
)
