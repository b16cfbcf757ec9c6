"""Who calls a method: the webhook's maker, or an app in the name of a user."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """`scope` covers what this credential may; `token_expires` (Unix seconds) is None for a webhook."""

    user_id: int
    scope: tuple[str, ...]
    token_expires: float | None = None

    @property
    def is_app(self) -> bool:
        """Whether an app calls: events and app data are for apps alone."""
        return self.token_expires is not None

    @property
    def credential(self) -> str:
        """The name of the caller in texts of errors."""
        return "access token" if self.is_app else "webhook token"
