"""What happens in the portal, told to whoever is bound to it."""

from __future__ import annotations

from typing import Any

from b24_pipeline.sandbox.clock import Clock
from b24_pipeline.sandbox.events import names
from b24_pipeline.sandbox.events.form import encoded
from b24_pipeline.sandbox.events.offline import OfflineQueue
from b24_pipeline.sandbox.events.sender import Delivery, Sender
from b24_pipeline.sandbox.events.subscriptions import OutgoingWebhook, Subscription, Subscriptions
from b24_pipeline.sandbox.oauth.installed_app import VERSION, Application

_WITH_REFRESH_TOKEN = frozenset({names.INSTALL, names.QUEUE})
"""Events that bring a refresh token reliably (docs/bitrix24-rest.md, section 7.3)."""
_NEVER_WITH_TOKENS = frozenset({names.UNINSTALL})


class Bus:
    """Raises events: online ones to handlers, offline ones to the queue, both to outgoing webhooks.

    Whoever calls it holds the portal's lock. Nobody waits for a handler: the sender does.
    """

    def __init__(self, application: Application, clock: Clock, sender: Sender) -> None:
        self.subscriptions = Subscriptions()
        self.queue = OfflineQueue()
        self._application = application
        self._addresses = application.addresses
        self._config = application.config
        self._clock = clock
        self._sender = sender
        self._rung: dict[int, float] = {}

    def raise_event(self, event: str, data: dict[str, Any]) -> None:
        """Tell everybody; `data` is the event's `data`, in numbers and text."""
        for webhook in self.subscriptions.webhooks_of(event):
            self._send(webhook.url, event, data, webhook.id, self._webhook_auth(webhook), bare=webhook.bare)
        if not (self._application.installed and self._application.finished):
            return
        for binding in self.subscriptions.bound(event, offline=False):
            self._send(binding.handler, event, data, binding.id, self._app_auth(event, binding.auth_type))
        queued = self.subscriptions.bound(event, offline=True)
        for binding in queued:
            self._enqueue(binding, event, data)
        if queued:
            self._ring()

    def install(self, url: str) -> None:
        """The app is installed; its tokens go to the initial installation path (docs/bitrix24-rest.md, section 2.4)."""
        self._application.installed = True
        data = {"VERSION": VERSION, "ACTIVE": "Y", "INSTALLED": "Y", "LANGUAGE_ID": "ru"}
        self._send(url, names.INSTALL, data, self.subscriptions.next_id(), self._app_auth(names.INSTALL, 0))

    def uninstall(self, *, clean: bool) -> None:
        """The app is removed: its last event, then its bindings, queue and tokens are gone."""
        self.raise_event(names.UNINSTALL, {"LANGUAGE_ID": "ru", "CLEAN": int(clean)})
        self.subscriptions.bindings.clear()
        self.queue.drop(self.queue.rows())
        self._application.placements.clear()
        self._application.installed = False
        self._application.grants.revoke()

    def _enqueue(self, binding: Subscription, event: str, data: dict[str, Any]) -> None:
        self.queue.put(event, data, self._config.user_id, binding.connector, int(self._clock.now()))

    def _ring(self) -> None:
        """Say that the queue has rows, to each handler at most once in its `min_timeout`."""
        now = self._clock.now()
        for binding in self.subscriptions.bound(names.QUEUE, offline=False):
            if now - self._rung.get(binding.id, 0.0) >= binding.min_timeout:
                self._rung[binding.id] = now
                auth = self._app_auth(names.QUEUE, binding.auth_type)
                self._send(binding.handler, names.QUEUE, {}, binding.id, auth)

    def _send(
        self,
        handler: str,
        event: str,
        data: dict[str, Any],
        handler_id: int,
        auth: dict[str, Any],
        *,
        bare: bool = False,
    ) -> None:
        fields: dict[str, Any] = {"event": event}
        fields |= {} if bare else {"event_handler_id": handler_id}
        fields |= {"data": data, "ts": int(self._clock.now()), "auth": auth}
        self._sender.post(Delivery(event, _entity_id(data), handler, encoded(fields)))

    def _app_auth(self, event: str, auth_type: int) -> dict[str, Any]:
        proof = {"application_token": self._config.application_token}
        always = event in _WITH_REFRESH_TOKEN
        if event in _NEVER_WITH_TOKENS or not (always or self._sender.delivery.tokens):
            return self._portal_auth() | proof
        grants, user_id = self._application.grants, auth_type or self._config.user_id
        pair = grants.grant(user_id) if always else grants.for_event(user_id)
        auth = self._application.described(pair) | {"domain": self._addresses.portal}
        if not always:
            del auth["refresh_token"]
        return auth | proof

    def _portal_auth(self) -> dict[str, Any]:
        return {
            "domain": self._addresses.portal,
            "client_endpoint": self._addresses.client_endpoint,
            "server_endpoint": self._addresses.server_endpoint,
            "member_id": self._config.member_id,
        }

    def _webhook_auth(self, webhook: OutgoingWebhook) -> dict[str, Any]:
        auth = self._portal_auth() | {"application_token": webhook.application_token}
        if webhook.bare:
            del auth["client_endpoint"], auth["server_endpoint"]
        return auth


def _entity_id(data: dict[str, Any]) -> int | None:
    """The number of the object that an event names, if it names one by a number."""
    sides = (data.get(name) for name in ("FIELDS", "FIELDS_AFTER", "FIELDS_BEFORE"))
    fields = next((side for side in sides if isinstance(side, dict)), data)
    named = str(fields.get("ID", ""))
    return int(named) if named.isdecimal() else None
