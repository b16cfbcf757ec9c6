"""The component `b24_pipeline.Portals`, by which a project of Dagster embeds everything that is here.

`dg scaffold defs b24_pipeline.Portals crm` writes its `defs.yaml`.
"""

from dataclasses import dataclass

import dagster as dg
from dagster.components.utils.translation import ResolvedTranslationFn

from b24_pipeline.defs.build import build_definitions


@dataclass
class PortalsComponent(dg.Component, dg.Resolvable):
    """Bitrix24 portals in PostgreSQL: raw tables, their history, and the funnel; with jobs, schedules and sensors.

    `translation` gives the assets other keys, groups, owners and tags: attributes of an asset, in which `spec` is the
    asset as it would be otherwise. A subclass may override `get_asset_spec` instead.
    """

    translation: ResolvedTranslationFn[dg.AssetSpec] = None

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        """What `dg list components` says."""
        return dg.ComponentTypeSpec(
            description="Bitrix24 portals in PostgreSQL, with their history and their funnel.",
            tags=["bitrix24", "postgres", "crm"],
        )

    def get_asset_spec(self, spec: dg.AssetSpec) -> dg.AssetSpec:
        """An asset as this project is to see it."""
        return self.translation(spec, spec) if self.translation else spec

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """All definitions; the settings are those of the environment, as everywhere."""
        return build_definitions(self.get_asset_spec, is_embedded=True)
