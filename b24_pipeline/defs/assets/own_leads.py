"""Own ad leads and what they have become in the CRM."""

import dagster as dg

from b24_pipeline.defs.assets.failures import RETRIES, failure, told_in_one_line
from b24_pipeline.defs.assets.metadata import matching_metadata
from b24_pipeline.defs.assets.partitions import PORTALS
from b24_pipeline.defs.assets.raw_tables import CHANGES, KINDS
from b24_pipeline.defs.resources import B24
from b24_pipeline.sync.own_leads.match import match

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


@dg.asset(
    key=[OWN, "lead_matches"],
    deps=[*own_tables, CHANGES],
    group_name=LINKS,
    kinds=set(KINDS),
    partitions_def=PORTALS,
    retry_policy=RETRIES,
    metadata={"dagster/table_name": "public.lead_matches"},
)
def lead_matches(context: dg.AssetExecutionContext, b24: B24) -> dg.MaterializeResult[None]:
    """How each own lead was matched to the CRM, or why it was not: in the copy, then by the portal's own search."""
    with told_in_one_line(), b24.job(context.partition_key, run_id=context.run_id) as job:
        done = match(job)
    if done.error:
        raise failure([done.error])
    return dg.MaterializeResult(metadata=matching_metadata(done))
