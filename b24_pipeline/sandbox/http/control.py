"""Steering a running sandbox over HTTP, for tests in other processes and for curl.

| request | does |
| --- | --- |
| `POST /sandbox/change` `{"n", "seed", "kinds"}` | random changes; answers the changed ids |
| `POST /sandbox/work` `{"n", "seed"}` | what people do in a day's work; answers the changed ids |
| `POST /sandbox/add` `{"entity_type", "fields"}` | a new element; answers its id |
| `POST /sandbox/update` `{"entity_type", "id", "fields"}` | changes fields |
| `POST /sandbox/move` `{"entity_type", "id", "stage", "category"}` | moves to a stage |
| `POST /sandbox/delete` `{"entity_type", "id"}` | deletes |
| `POST /sandbox/user-field` `{"entity_type", "name", "type", "label", "multiple", "options"}` | a new user field |
| `POST /sandbox/user-field/change` `{"entity_type", "name", "label", "options"}`, `.../delete` | changes, deletes one |
| `POST /sandbox/stage/add|rename|sort|delete` | changes a stage: the arguments of `Steering` |
| `POST /sandbox/type/add` `{"title", "off", "parents", "funnels"}` | a new smart process; answers its record |
| `POST /sandbox/type/switch` `{"entity_type_id", "switch", "on"}` | turns a switch of one: its columns come or go |
| `POST /sandbox/type/rename` `{"entity_type_id", "title"}`, `.../delete` | renames, removes one with its items |
| `POST /sandbox/activity-links` `{"id", "links"}` | what an activity is linked to beside its owner |
| `POST /sandbox/call/complete` `{"id", "fields"}` | gives a call what comes late, untold |
| `POST /sandbox/user/add` `{"fields"}`, `.../user/change` `{"id", "fields"}` | a new user, a changed or dismissed one |
| `POST /sandbox/rows` `{"entity_type", "id", "rows"}` | gives an owner these product rows |
| `POST /sandbox/quirks` (fields of `Quirks`) | what the portal does otherwise from now on |
| `POST /sandbox/outgoing-webhook` `{"url", "events", "application_token", "bare"}` | a webhook of the portal |
| `POST /sandbox/app/install` `{"url"}`, `.../app/uninstall` `{"clean"}` | sends ONAPPINSTALL, ONAPPUNINSTALL |
| `POST /sandbox/app/finish-installation` `{"finished"}` | what an app's page does, or takes it back |
| `POST /sandbox/app/expire-tokens`, `.../app/revoke-tokens` | ends access tokens, or all tokens |
| `POST /sandbox/events/delivery` (fields of `EventDelivery`) | how events are sent from now on |
| `GET /sandbox/events`, `GET /sandbox/bindings` | what became of the events, who is bound |
| `GET /sandbox/app` | what the app's card says, and what its token endpoint did |
| `POST /sandbox/rename` `{"address"}` | moves the portal to another address |
| `POST /sandbox/later` `{"method", "nth", "action", "given"}` | a steering request right before a command |
| `POST /sandbox/faults` (the fields of `Fault`), `GET`, `DELETE` | arms, lists, disarms faults |
| `GET /sandbox/truth/deal`, `/sandbox/truth/deal/history` (`stages`, `fields`) | what is true of an entity type |
| `GET /sandbox/truth/dynamic_156` (`smart_invoice`, `quote`) and the same below it | what is true of items |
| `GET /sandbox/truth/activity` (`call`, `product_row`, `product`, `section`, `price`) | what is true of records |
| `GET /sandbox/truth/task` (`requisite`, `comment`) | the same |
| `GET /sandbox/truth/activity/links` | the links of activities |
| `GET /sandbox/truth/users`, `/sandbox/truth/pipelines`, `/sandbox/truth/types` | what is true of the portal |
| `GET /sandbox/stats`, `POST /sandbox/stats/reset`, `GET /sandbox/requests` | what was asked |

Bodies and answers are JSON; a mistake is 400 `{"error": text}`. Faults and limits do not
touch these paths.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import orjson
import pandas as pd

from b24_pipeline.sandbox.config import EventDelivery
from b24_pipeline.sandbox.controls.app_steering import AppSteering
from b24_pipeline.sandbox.controls.faults import Fault, Faults
from b24_pipeline.sandbox.controls.people_steering import PeopleSteering
from b24_pipeline.sandbox.controls.steering import Steering
from b24_pipeline.sandbox.controls.truth import Truth
from b24_pipeline.sandbox.controls.type_steering import TypeSteering
from b24_pipeline.sandbox.http.asgi import Message, Reply, json_reply
from b24_pipeline.sandbox.journal import Journal, Stats

_MISTAKES = (LookupError, OSError, TypeError, ValueError, orjson.JSONDecodeError)


class Control:
    """Answers the steering requests under `/sandbox/`."""

    def __init__(
        self,
        steering: Steering,
        app: AppSteering,
        types: TypeSteering,
        people: PeopleSteering,
        faults: Faults,
        journal: Journal,
        stats: Callable[[], Stats],
    ) -> None:
        self._steering = steering
        self._app = app
        self._faults = faults
        self._posts: dict[str, Callable[..., Any]] = {
            "change": lambda **given: steering.change(**given).as_dict(),
            "work": lambda **given: steering.work(**given).as_dict(),
            "add": steering.add,
            "update": steering.update,
            "move": steering.move,
            "delete": steering.delete,
            "contacts": steering.set_contacts,
            "user-field": steering.add_user_field,
            "user-field/change": steering.change_user_field,
            "user-field/delete": steering.delete_user_field,
            "stage/add": steering.add_stage,
            "stage/rename": steering.rename_stage,
            "stage/sort": steering.sort_stage,
            "stage/delete": steering.delete_stage,
            "type/add": types.add_type,
            "type/switch": types.switch_type,
            "type/rename": types.rename_type,
            "type/delete": types.delete_type,
            "activity-links": steering.set_activity_links,
            "user/add": people.add_user,
            "user/change": people.change_user,
            "rows": steering.set_rows,
            "call/complete": steering.complete_call,
            "quirks": lambda **given: asdict(steering.set_quirks(**given)),
            "later": self._later,
            "faults": lambda **given: faults.add(_fault(given)),
            "stats/reset": journal.reset,
            "outgoing-webhook": lambda **given: app.add_outgoing_webhook(**given).id,
            "app/install": app.install_app,
            "app/uninstall": app.uninstall_app,
            "app/finish-installation": app.finish_installation,
            "app/expire-tokens": app.expire_tokens,
            "app/revoke-tokens": app.revoke_tokens,
            "events/delivery": lambda **given: app.deliver_events(EventDelivery(**given)),
        }
        self._gets: dict[str, Callable[[], Any]] = {
            "faults": faults.listed,
            "stats": lambda: stats().as_dict(),
            "requests": lambda: [asdict(record) for record in journal.records()],
            "events": lambda: [asdict(event) for event in app.events_sent],
            "bindings": lambda: [binding.rendered() for binding in app.portal.events.subscriptions.bindings],
            "app": lambda: _card(app),
        }

    async def answer(self, verb: str, path: str, _scope: Message, body: bytes) -> Reply:
        """The reply to a steering request."""
        name = path.removeprefix("/sandbox/").strip("/")
        try:
            if (verb, name) == ("POST", "rename"):
                # listening elsewhere is this loop's own work: it must not wait for itself
                address = await asyncio.to_thread(self._app.rename, **orjson.loads(body))
                return json_reply(200, {"result": address})
            return json_reply(200, self._result(verb, name, body))
        except _MISTAKES as error:
            return json_reply(400, {"error": str(error)})

    def _result(self, verb: str, name: str, body: bytes) -> Any:
        if verb == "POST" and name in self._posts:
            return {"result": self._posts[name](**(orjson.loads(body) if body else {}))}
        if verb == "DELETE" and name == "faults":
            self._faults.clear()
            return {"result": None}
        if verb == "GET":
            return {"result": self._shown(name)}
        raise LookupError(f"the sandbox has no {verb} /sandbox/{name}")

    def _later(self, method: str, nth: int, action: str, given: dict[str, Any]) -> None:
        """Has a steering request come in the middle of a run."""
        if action not in self._posts:
            raise LookupError(f"the sandbox has no POST /sandbox/{action}")
        self._faults.before(method, nth, lambda: self._posts[action](**given))

    def _shown(self, name: str) -> Any:
        if name in self._gets:
            return self._gets[name]()
        subject, _, part = name.removeprefix("truth/").partition("/")
        return _truth(self._steering.truth, subject, part)


def _card(app: AppSteering) -> dict[str, Any]:
    """What whoever connects the app must know: the sandbox keeps no secrets."""
    config = app.portal.config
    names = ("client_id", "client_secret", "application_token", "member_id", "redirect_uri")
    card: dict[str, Any] = {name: getattr(config, name) for name in names}
    return card | {"installed": app.portal.application.installed, "token_outcomes": app.token_outcomes}


def _fault(given: dict[str, Any]) -> Fault:
    return Fault(**given | {"ids": tuple(given.get("ids", ()))})


def _truth(truth: Truth, subject: str, part: str) -> Any:
    of_portal: dict[str, Callable[[], pd.DataFrame]] = {
        "users": truth.users,
        "types": truth.types,
        "pipelines": truth.pipelines,
    }
    if subject in of_portal:
        return of_portal[subject]().to_dict("records")
    if not part:
        return list(truth.raw(subject))
    if part == "history":
        return truth.history(subject).astype(str).to_dict("records")
    if part == "contacts":
        return truth.contacts(subject)
    if part == "links":
        return truth.activity_links()
    of_type: dict[str, Callable[[str], pd.DataFrame]] = {
        "stages": truth.stages,
        "fields": truth.fields,
        "pipelines": truth.pipelines,
    }
    return of_type[part](subject).to_dict("records")
