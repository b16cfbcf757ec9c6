"""What an administrator does to the portal's people: hires, changes and dismisses them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from b24_pipeline.sandbox.crm.users import shown_moment
from b24_pipeline.sandbox.events import names
from b24_pipeline.sandbox.portal import PortalState


class PeopleSteering:
    """Only a new user is told of by an event (docs/bitrix24-rest-more.md, section 7)."""

    portal: PortalState

    def add_user(self, fields: Mapping[str, Any]) -> int:
        """A new active user; the event has all that is known, in `data` itself, and the flag as text."""
        with self.portal.lock:
            identifier = max(int(user["ID"]) for user in self.portal.users) + 1
            empty = dict.fromkeys(self.portal.users[0], "")
            user = empty | {"UF_DEPARTMENT": [], "USER_TYPE": "employee"} | dict(fields)
            self.portal.users.append(user | {"ID": str(identifier), "ACTIVE": True})
            self._stamp(str(identifier))
            told = {name: value for name, value in self.portal.users[-1].items() if isinstance(value, str)}
            self.portal.events.raise_event(names.USER_ADDED, told | {"ACTIVE": "Y"})
            return identifier

    def change_user(self, id: int, fields: Mapping[str, Any]) -> None:  # noqa: A002
        """Changes a user, `ACTIVE` (JSON boolean) as well: no event, but TIMESTAMP_X can be filtered by."""
        with self.portal.lock:
            for user in self.portal.users:
                if user["ID"] == str(id):
                    user.update(fields)
                    self._stamp(user["ID"])
                    return
        raise LookupError(f"the sandbox has no user {id}")

    def _stamp(self, identifier: str) -> None:
        """Where the value is `{}` it stays so."""
        now = int(self.portal.clock.now())
        self.portal.user_moments[identifier] = now
        for user in self.portal.users:
            if user["ID"] == identifier and user["TIMESTAMP_X"] != {}:
                user["TIMESTAMP_X"] = shown_moment(now)
