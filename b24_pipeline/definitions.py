"""All definitions that Dagster loads: assets, checks, jobs, schedules, sensors. Loading them needs no database."""

from __future__ import annotations

import dagster as dg

from b24_pipeline.defs.build import build_definitions

defs = dg.Definitions.merge(build_definitions(), dg.Definitions(executor=dg.in_process_executor))
