"""The portal itself: its CRM, its people, its clock. Knows nothing of HTTP."""

from __future__ import annotations

import threading

from b24_pipeline.sandbox.clock import Clock
from b24_pipeline.sandbox.config import SandboxConfig
from b24_pipeline.sandbox.crm.editing import Editor
from b24_pipeline.sandbox.crm.entity import Entity
from b24_pipeline.sandbox.data.generate import Generation


class Portal:
    """Shared state. Whoever reads or changes it holds `lock`."""

    def __init__(self, config: SandboxConfig) -> None:
        generated = Generation(config).run()
        self.config = config
        self.clock = Clock(config.clock_offset_seconds)
        self.lock = threading.RLock()
        self.entities = generated.entities
        self.directories = generated.directories
        self.users = generated.users
        self.scope = list(config.scope)
        self.editor = Editor(
            self.entities,
            self.directories,
            self.clock,
            history_survives_delete=config.history_survives_delete,
        )

    def entity(self, entity_type: str) -> Entity:
        """The entity of this type; LookupError names the ones there are."""
        if entity_type not in self.entities:
            raise LookupError(f"no entity type {entity_type!r} in the sandbox: {', '.join(self.entities)}")
        return self.entities[entity_type]
