"""What a person has done to a connected portal, and waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from b24_pipeline.store.crm.stage_flags import Flags, Stage, StageFlags
from b24_pipeline.store.own_leads import funnels
from b24_pipeline.store.own_leads.directions import Direction, Directions, StageCode
from b24_pipeline.store.own_leads.funnels import Creative, OwnLeadDays, StageCount
from b24_pipeline.store.own_leads.key_stages import KeyStageStats, key_stage_stats
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.store.qualification import evaluation
from b24_pipeline.store.qualification.conditions import Condition
from b24_pipeline.store.qualification.fields import FieldChoice, field_choices
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.crm.directories import sync_directories
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.own_leads.match import Matched, match
from b24_pipeline.sync.parallel import opened
from b24_pipeline.sync.portals.oauth import Connecting


@dataclass(frozen=True, slots=True)
class Managing:
    """The portals of an installation. Without `connecting` none is connected by OAuth, and no events are bound."""

    connections: Connections
    connecting: Connecting | None
    options: Options

    @property
    def portals(self) -> Portals:
        """Where they are stored."""
        return self.connections.portals

    def all(self) -> list[Portal]:
        """Every portal, by name."""
        return self.portals.all()

    def disconnect(self, portal: Portal) -> None:
        """Unbinds its events and forgets its secrets; the data stay."""
        if self.connecting:
            self.connecting.disconnect(portal)
        else:
            self.portals.disconnect(portal)

    def count_funnel_of(self, portal: Portal, entity_type: str) -> None:
        """Changes whose funnel is counted, and with it the events. Raises BindingRefused."""
        if self.connecting:
            self.connecting.set_entity_type(portal, entity_type)
        else:
            self.portals.set_entity_type(portal, entity_type)

    def stages(self, portal: Portal) -> list[Stage]:
        """The stages that were read last: leads before deals, then by pipeline and order."""
        return StageFlags(self.connections.warehouse).stages(portal.id)

    def set_flags(self, portal: Portal, stage: UUID, flags: Flags) -> Stage:
        """What a stage counts as. Raises UnknownStage, FlagsContradict."""
        return StageFlags(self.connections.warehouse).set_flags(portal.id, stage, flags)

    def field_list(self, portal: Portal, entity_type: str) -> list[FieldChoice]:
        """Custom fields of leads, deals or contacts that a condition can be about."""
        return field_choices(self.connections.warehouse, portal.id, entity_type)

    def directions(self, portal: Portal) -> list[Direction]:
        """What is advertised, by name, with its key stages."""
        return Directions(self.connections.warehouse).all(portal.id)

    def add_direction(self, portal: Portal, name: str) -> Direction:
        """A new direction. Raises DirectionExists."""
        return Directions(self.connections.warehouse).add(portal.id, name)

    def set_key_stages(
        self, portal: Portal, direction: UUID, entity_type: str, stages: Sequence[StageCode]
    ) -> Direction:
        """What tells a good own lead of a direction. Raises UnknownDirection, UnknownStage."""
        directions = Directions(self.connections.warehouse)
        return directions.set_key_stages(portal.id, direction, entity_type, stages)

    def key_stage_stats(self, portal: Portal, direction: UUID, days: OwnLeadDays) -> KeyStageStats:
        """How many own leads have ever been in the key stages. Raises UnknownDirection."""
        return key_stage_stats(self.connections.warehouse, portal.id, direction, days)

    def creatives(self, portal: Portal) -> list[Creative]:
        """Creatives by name."""
        return funnels.creatives(self.connections.warehouse, portal.id)

    def creative_funnel(
        self,
        portal: Portal,
        entity_type: str,
        days: OwnLeadDays,
        *,
        creative: UUID | None = None,
        direction: UUID | None = None,
    ) -> list[StageCount]:
        """Where own leads stand now, stage by stage. Raises UnknownCreative, UnknownDirection."""
        return funnels.creative_funnel(
            self.connections.warehouse, portal.id, entity_type, days, creative=creative, direction=direction
        )

    def conditions(self, portal: Portal) -> Sequence[Condition]:
        """The conditions of qualification, in order. Raises ConditionRefused."""
        return self.connections.warehouse.transact(
            lambda connection: evaluation.conditions_of(connection, portal.id)
        )

    def set_conditions(self, portal: Portal, conditions: Sequence[Condition]) -> Sequence[Condition]:
        """Replaces them, and evaluates everything by the new ones. Raises ConditionRefused."""
        return self.connections.warehouse.transact(
            lambda connection: evaluation.set_conditions(connection, portal.id, conditions)
        )

    def sync_pipelines(self, portal: Portal) -> int:
        """Reads pipelines, stages and fields again; returns how many stages there are. Raises B24Error."""
        with opened(self.connections, portal, self.options) as job:
            outcomes = sync_directories(job)
        for outcome in outcomes:
            if outcome.error:
                raise outcome.error
        return next(outcome.rows_read for outcome in outcomes if outcome.entity == "stage")

    def sync_leads(self, portal: Portal, entity_type: str | None) -> Matched:
        """Matches own ad leads. Raises B24Error where it could not be done to the end."""
        with opened(self.connections, portal, self.options) as job:
            done = match(job, entity_type)
        if done.error:
            raise done.error
        return done
