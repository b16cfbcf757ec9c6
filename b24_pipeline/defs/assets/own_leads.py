"""The assets of own ad leads, and of their matches to the CRM."""

import dagster as dg

from b24_pipeline.defs.assets.catalogue import described_table, layer_tags, refreshed
from b24_pipeline.defs.assets.failures import RETRIES, errors_as_failures
from b24_pipeline.defs.assets.metadata import matching_metadata
from b24_pipeline.defs.assets.partitions import PORTALS
from b24_pipeline.defs.assets.raw_tables import CHANGES, KINDS, PUBLIC
from b24_pipeline.defs.known_assets import UNVERSIONED
from b24_pipeline.defs.resources import B24
from b24_pipeline.sync.own_leads.match import match

OWN = "own"
LINKS = "links"
MATCHES = dg.AssetKey([OWN, "lead_matches"])

OWN_TABLES = {"leads": "leads", "creatives": "creatives", "directions": "account_directions"}
"""Tables that are imported or written to from outside, by their names as dbt sources."""

_DESCRIPTIONS = {
    "leads": "Own ad leads (`b24 leads import`): people who left their phone in an advertisement.",
    "creatives": "Ad creatives that own leads came from.",
    "directions": "What is advertised, with its key stages.",
}

_IMPORT = (
    "`b24 leads import`, the pages, or whoever else writes to the table: Dagster is told of none of them, so it has "
    "no materialization; what follows from it is in `own/lead_matches`"
)

own_tables = [
    dg.AssetSpec(
        [OWN, name],
        description=refreshed(_DESCRIPTIONS[name], _IMPORT),
        group_name=LINKS,
        kinds={"postgres"},
        tags=layer_tags(LINKS),
        metadata=described_table(PUBLIC, table),
    )
    for name, table in OWN_TABLES.items()
]


@dg.asset(
    key=MATCHES,
    description=refreshed(
        "Own leads matched to the CRM, in our copy and by the portal's search, and why a lead has no match.",
        "the job `matches`, every hour, the search; the rest by each sync",
    ),
    deps=[*own_tables, CHANGES],
    group_name=LINKS,
    kinds=set(KINDS),
    partitions_def=PORTALS,
    retry_policy=RETRIES,
    tags=layer_tags(LINKS),
    metadata=described_table(PUBLIC, "lead_matches"),
)
def lead_matches(context: dg.AssetExecutionContext, b24: B24) -> dg.MaterializeResult[None]:
    """Matches own leads to the CRM, in our copy and by the portal's search, and says why a lead has no match."""
    with errors_as_failures(context.log), b24.job(context.partition_key, run_id=context.run_id) as job:
        outcome = match(job)
        if outcome.error:
            raise outcome.error
    return dg.MaterializeResult(metadata=matching_metadata(outcome), data_version=dg.DataVersion(UNVERSIONED))
