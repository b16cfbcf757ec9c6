"""Who is qualified by the portal's conditions: it follows every sync and every change of the conditions."""

from __future__ import annotations

import dagster as dg

from b24_pipeline.defs.assets.raw_tables import CHANGES, RAW

QUALIFICATION = dg.AssetKey([RAW, "qualification"])

qualification = dg.AssetSpec(
    QUALIFICATION,
    deps=[CHANGES],
    description="Leads and deals that fulfil a condition of the portal, or once did (`b24 portal qualification`).",
    group_name=RAW,
    kinds={"postgres"},
    metadata={"dagster/table_name": "public.bitrix24_qualification"},
)
