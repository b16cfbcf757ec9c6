"""The page of access: keys, browsers that are signed in, and who changed what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse

from b24_pipeline.errors import UsageError
from b24_pipeline.store.access.audit import Change, changes
from b24_pipeline.store.access.audit_names import AuditNames, names_of
from b24_pipeline.store.access.holder import ROLES, AccessRole
from b24_pipeline.store.access.keys import AccessKeys
from b24_pipeline.store.access.sessions import Sessions
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.web.frame.page_frame import PageFrame, PlainFrame
from b24_pipeline.web.frame.signed_in import SignedIn
from b24_pipeline.web.pages import audit_texts
from b24_pipeline.web.problems import answer_to
from b24_pipeline.web.routes.access_keys import only_for_all

ACCESS = "/access"
MOST_CHANGES = 50
ALL, THESE = "all", "these"


class AccessPage:
    """The routes `/access...`, for admins; keys are made and revoked by those whose key is for all portals."""

    def __init__(self, warehouse: Warehouse, sessions: Sessions) -> None:
        self._warehouse = warehouse
        self._keys = AccessKeys(warehouse)
        self._sessions = sessions

    def router(self, signed_in: SignedIn) -> APIRouter:
        """The page and its forms."""
        routes = signed_in.routes(needed="admin", change="admin")
        routes.add_api_route(ACCESS, self.access)
        routes.add_api_route(f"{ACCESS}/keys", self.add, methods=["POST"])
        routes.add_api_route(f"{ACCESS}/keys/revoke", self.ask)
        routes.add_api_route(f"{ACCESS}/keys/revoke", self.revoke, methods=["POST"])
        return routes

    def access(
        self,
        frame: PlainFrame,
        before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    ) -> HTMLResponse:
        """Keys, sessions and the audit, the latest change first; `before` reads on behind a change."""
        return self._page(frame, before=before)

    def add(
        self,
        frame: PlainFrame,
        name: Annotated[str, Form(max_length=200)] = "",
        role: Annotated[AccessRole, Form()] = "viewer",
        sees: Annotated[str, Form(max_length=20)] = "",
        portal: Annotated[list[str] | None, Form()] = None,
    ) -> HTMLResponse:
        """Makes a key, which the answer shows once. `sees`: all portals, or these, which are ticked then."""
        only_for_all(frame.holder)
        chosen = [known for known in frame.portals if known.name in (portal or ())]
        try:
            key = self._keys.add(name.strip(), role, _limited_to(sees, chosen))
        except UsageError as error:
            ticked = {known.name for known in chosen}
            given = {"name": name, "role": role, "sees": sees, "portals": ticked}
            return self._page(frame, problem=error, given=given)
        return self._page(frame, key=key, key_name=name.strip())

    def ask(self, frame: PlainFrame, name: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
        """Asks whether a key is to be revoked, and says whose sessions end with it."""
        only_for_all(frame.holder)
        key = self._keys.one(name)
        sessions = [session for session in self._sessions.all() if session.key_name == key.name]
        return frame.page("revoke.html", key=key, sessions=sessions, is_own=frame.holder.name == key.name)

    def revoke(self, frame: PlainFrame, name: Annotated[str, Form(max_length=200)]) -> RedirectResponse:
        """Ends a key, and with it the sessions that it began."""
        only_for_all(frame.holder)
        self._keys.revoke(name)
        return RedirectResponse(ACCESS, 303)

    def _page(
        self, frame: PageFrame, *, before: int | None = None, problem: UsageError | None = None, **values: Any
    ) -> HTMLResponse:
        is_for_all = frame.holder.portals is None
        found = changes(self._warehouse, portals=frame.holder.portals, before=before, most=MOST_CHANGES + 1)
        names = names_of(self._warehouse, found[:MOST_CHANGES])
        shown = {
            "roles": ROLES,
            "is_for_all": is_for_all,
            "keys": self._keys.all() if is_for_all else [],
            "sessions": self._sessions.all() if is_for_all else [],
            "changes": [_told(change, names, frame.text) for change in found[:MOST_CHANGES]],
            "next_before": _last(found[:MOST_CHANGES]) if len(found) > MOST_CHANGES else None,
            "key": None,
            "given": {"name": "", "role": "", "sees": "", "portals": set()},
        }
        return frame.page(
            "access.html",
            status=422 if problem else 200,
            problem=problem and answer_to(problem),
            **{**shown, **values},
        )


def _limited_to(sees: str, chosen: Sequence[Portal]) -> Sequence[Portal]:
    """The portals that a key is for; none for all. Raises UsageError where neither was chosen, or both were."""
    if sees == ALL and not chosen:
        return ()
    if sees != THESE or not chosen:
        raise UsageError("choose all portals, or tick those that the key is for").of_case("key_portals")
    return chosen


def _told(change: Change, names: AuditNames, text: audit_texts.Gettext) -> dict[str, Any]:
    """A change in the reader's words."""
    return {
        "moment": change.changed_at,
        "actor": audit_texts.actor(change.changed_by, text),
        "portal": change.portal or "",
        "subject": audit_texts.subject(change, names, text),
        "sentence": audit_texts.sentence(change, names, text),
    }


def _last(found: list[Change]) -> int:
    return found[-1].id
