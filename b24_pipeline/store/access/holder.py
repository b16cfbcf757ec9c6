"""Whoever uses the service, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args
from uuid import UUID

AccessRole = Literal["viewer", "manager", "admin"]
"""viewer sees figures; manager changes what they are counted by; admin connects portals and manages keys, too."""

ROLES: tuple[AccessRole, ...] = get_args(AccessRole)
"""Each may do what those before it may."""


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Whose key a request has. `portals`: ids of those that they see, None for all.

    `framed_by`: of a person whom a portal has sent its origin, whose pages alone may have ours in a frame.
    """

    name: str
    role: AccessRole
    portals: frozenset[UUID] | None = None
    framed_by: str | None = None

    def may(self, needed: AccessRole) -> bool:
        """Whether the role is this one or one that may do more."""
        return ROLES.index(self.role) >= ROLES.index(needed)

    def sees(self, account: UUID) -> bool:
        """Whether this portal is one of theirs."""
        return self.portals is None or account in self.portals


OPERATOR = KeyHolder("B24_ADMIN_KEY", "admin")
"""Whoever has the operator's key."""
