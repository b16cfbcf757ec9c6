"""Who wants which event: the app's bindings, and outgoing webhooks made in the portal.

docs/bitrix24-rest.md, section 7.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from b24_pipeline.sandbox.events.names import FOR_APPS_ONLY

_FIRST_ID = 300


@dataclass(frozen=True)
class Subscription:
    """`event.bind`: to a handler's address, or to the offline queue, which has none.

    `auth_type` is the user whose tokens come with the event, 0 the one who acted;
    `min_timeout` seconds lie between two ONOFFLINEEVENT.
    """

    id: int
    event: str
    handler: str = ""
    auth_type: int = 0
    offline: bool = False
    connector: str = ""
    min_timeout: float = 1.0

    @property
    def key(self) -> tuple[Any, ...]:
        """What must differ between two bindings."""
        return (self.event, self.handler, self.auth_type, self.offline, self.connector)

    def rendered(self) -> dict[str, Any]:
        """The entry of `event.get`."""
        if self.offline:
            return {"event": self.event, "connector_id": self.connector, "offline": 1}
        return {"event": self.event, "handler": self.handler, "auth_type": str(self.auth_type), "offline": 0}


@dataclass(frozen=True)
class OutgoingWebhook:
    """Chosen events to an address, proved by a token of its own; `bare` ones name no endpoints [seen]."""

    id: int
    url: str
    events: frozenset[str]
    application_token: str = field(repr=False)
    bare: bool = False


class Subscriptions:
    """All of them; whoever reads or changes it holds the portal's lock."""

    def __init__(self) -> None:
        self.bindings: list[Subscription] = []
        self.webhooks: list[OutgoingWebhook] = []
        self._last_id = _FIRST_ID

    def next_id(self) -> int:
        """The `event_handler_id` of the next one."""
        self._last_id += 1
        return self._last_id

    def bind(self, binding: Subscription) -> bool:
        """Add a binding; False if there is an equal one."""
        if any(subscription.key == binding.key for subscription in self.bindings):
            return False
        self.bindings.append(binding)
        return True

    def unbind(self, fits: Callable[[Subscription], bool]) -> int:
        """Drop the bindings that fit; how many they were."""
        kept = [binding for binding in self.bindings if not fits(binding)]
        count = len(self.bindings) - len(kept)
        self.bindings = kept
        return count

    def add_webhook(
        self, url: str, events: Iterable[str], application_token: str, *, bare: bool
    ) -> OutgoingWebhook:
        """An outgoing webhook; ValueError for events that only apps get."""
        wanted = frozenset(event.upper() for event in events)
        if wanted & FOR_APPS_ONLY:
            raise ValueError(f"an outgoing webhook cannot have {', '.join(sorted(wanted & FOR_APPS_ONLY))}")
        self.webhooks.append(OutgoingWebhook(self.next_id(), url, wanted, application_token, bare))
        return self.webhooks[-1]

    def bound(self, event: str, *, offline: bool) -> list[Subscription]:
        """The app's bindings of an event."""
        return [binding for binding in self.bindings if binding.event == event and binding.offline == offline]

    def webhooks_of(self, event: str) -> list[OutgoingWebhook]:
        """The outgoing webhooks that chose an event."""
        return [webhook for webhook in self.webhooks if event in webhook.events]
