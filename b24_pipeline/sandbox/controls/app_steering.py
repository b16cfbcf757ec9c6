"""What tests do to the portal's app and its events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from b24_pipeline.sandbox.config import EventDelivery
from b24_pipeline.sandbox.events.sender import SentEvent
from b24_pipeline.sandbox.events.subscriptions import OutgoingWebhook
from b24_pipeline.sandbox.portal import PortalState

Listen = Callable[[str, int], None]
"""Makes the server answer at another host and port."""


class AppSteering:
    """Installs and removes the app, ends its tokens, adds webhooks, bends the delivery of events."""

    portal: PortalState

    def __init__(self, portal: PortalState, listen: Listen) -> None:
        self.portal = portal
        self._listen = listen

    @property
    def events_sent(self) -> list[SentEvent]:
        """What became of the events so far: a status, 0 without an answer, or "lost"."""
        return self.portal.sender.sent

    def wait_for_events(self, timeout: float = 30.0) -> list[SentEvent]:
        """Wait until every event was sent; what became of them. TimeoutError after `timeout` seconds."""
        return self.portal.sender.wait(timeout)

    def deliver_events(self, delivery: EventDelivery | None = None, **settings: Any) -> EventDelivery:
        """Send later events so: by default as now, but for the fields of EventDelivery given by name."""
        chosen = replace(delivery or self.portal.sender.delivery, **settings)
        self.portal.sender.configure(chosen)
        return chosen

    def add_outgoing_webhook(
        self, url: str, events: Iterable[str], application_token: str, *, bare: bool = False
    ) -> OutgoingWebhook:
        """An outgoing webhook, as the portal's own pages make one.

        It gets no tokens and no funnel changes, and if it is `bare` neither the endpoints
        nor `event_handler_id`. ValueError for events that are only for apps.
        """
        with self.portal.lock:
            return self.portal.events.subscriptions.add_webhook(url, events, application_token, bare=bare)

    def install_app(self, url: str) -> None:
        """Add the app: ONAPPINSTALL with both tokens goes to its initial installation path."""
        with self.portal.lock:
            self.portal.events.install(url)

    def uninstall_app(self, *, clean: bool = False) -> None:
        """Remove the app: ONAPPUNINSTALL to whoever is bound, then no binding and no token is left."""
        with self.portal.lock:
            self.portal.events.uninstall(clean=clean)

    def finish_installation(self, finished: bool = True) -> None:
        """As the app's page does by `installFinish`; not finished, it gets no events whatever it binds."""
        self.portal.application.finished = finished

    def expire_tokens(self) -> None:
        """End every access token now: `expired_token`, until it is refreshed."""
        self.portal.application.grants.expire()

    def revoke_tokens(self) -> None:
        """Forget every token: `invalid_token`, and `invalid_grant` for the refresh."""
        self.portal.application.grants.revoke()

    @property
    def token_outcomes(self) -> dict[str, int]:
        """How often the token endpoint granted (`authorization_code`, `refresh_token`) and refused (by error)."""
        return self.portal.application.outcomes

    def rename(self, address: str) -> str:
        """Move the portal to another `host` or `host:port`; the former address answers 302 from now on.

        The server must be started and the host one of this machine (any 127.x.x.x, localhost).
        The authorization server stays. Gives the new address back.
        """
        host, _, port = address.partition(":")
        port = port or self.portal.addresses.portal.rpartition(":")[2]
        self._listen(host, int(port))
        self.portal.addresses.move(f"{host}:{port}")
        return self.portal.addresses.portal
