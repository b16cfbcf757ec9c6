"""The portal itself: its CRM, its people, its app, its clock. Knows nothing of HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from b24_pipeline.sandbox.addresses import SandboxAddresses
from b24_pipeline.sandbox.caller import Caller
from b24_pipeline.sandbox.clock import Clock
from b24_pipeline.sandbox.config import SandboxConfig
from b24_pipeline.sandbox.crm.contact_links import ContactLinks
from b24_pipeline.sandbox.crm.editing import Editor
from b24_pipeline.sandbox.crm.entity import CrmEntity
from b24_pipeline.sandbox.data.generate import Generation
from b24_pipeline.sandbox.events.bus import Bus
from b24_pipeline.sandbox.events.sender import Sender
from b24_pipeline.sandbox.oauth.installed_app import Application


class PortalState:
    """Shared state. Whoever reads or changes it holds `lock`.

    `caller` is who acts: the webhook's maker, unless `acting` says otherwise.
    """

    def __init__(self, config: SandboxConfig, addresses: SandboxAddresses | None = None) -> None:
        generated = Generation(config).run()
        self.config = config
        self.clock = Clock(config.clock_offset_seconds)
        self.lock = threading.RLock()
        self.entities = generated.entities
        self.contact_links = ContactLinks(self.entities, generated.other_contacts)
        self.directories = generated.directories
        self.users = generated.users
        self.departments = generated.departments
        self.currencies = generated.currencies
        self.caller = self.owner = Caller(config.user_id, config.scope)
        self.addresses = addresses or SandboxAddresses(config.host)
        self.application = Application(config, self.addresses)
        self.sender = Sender(config.events)
        self.events = Bus(self.application, self.clock, self.sender)
        self.editor = Editor(
            self.entities,
            self.directories,
            self.clock,
            self.events.raise_event,
            contact_links=self.contact_links,
            history_survives_delete=config.history_survives_delete,
        )

    @contextmanager
    def acting(self, caller: Caller) -> Iterator[None]:
        """Hold the lock, with this caller as the one who acts."""
        with self.lock:
            self.caller = caller
            try:
                yield
            finally:
                self.caller = self.owner

    def entity(self, entity_type: str) -> CrmEntity:
        """The entity of this type; LookupError names the ones there are."""
        if entity_type not in self.entities:
            raise LookupError(f"no entity type {entity_type!r} in the sandbox: {', '.join(self.entities)}")
        return self.entities[entity_type]
