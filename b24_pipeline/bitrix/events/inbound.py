"""Inbound events: what a portal posts when something has changed (docs/bitrix24-rest.md, section 7.3).

An event names an object and brings none of its values: it is a hint to fetch.
Its body may carry live tokens, which stay out of everything that is stored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from b24_pipeline.bitrix.events.forms import MOST_BYTES, Form, parse_form
from b24_pipeline.entities.items import item_name
from b24_pipeline.errors import MalformedEvent

__all__ = ["MOST_BYTES", "InboundEvent", "is_deletion", "is_user_field_event", "parse_event"]

INSTALLED = "ONAPPINSTALL"
UNINSTALLED = "ONAPPUNINSTALL"

_OBJECT = re.compile(r"ONCRM(LEAD|DEAL|CONTACT|COMPANY|QUOTE)(?:ADD|UPDATE|DELETE)|ONCRM(DEAL)MOVETOCATEGORY")
# items of smart processes and invoices: which, is in the event's data; the name may end in the same number
_ITEM = re.compile(r"ONCRMDYNAMICITEM(?:ADD|UPDATE|DELETE)(?:_[0-9]{1,9})?", re.ASCII)
# what changes the catalogue of fields, or which smart processes there are
_USER_FIELD = re.compile(
    r"ONCRM(?:LEAD|DEAL|CONTACT|COMPANY|QUOTE|TYPE)USERFIELD(?:ADD|UPDATE|DELETE|SETENUMVALUES)"
    r"|ONCRMTYPE(?:ADD|UPDATE|DELETE)"
)
_ITEM_DELETED = re.compile(r"ONCRMDYNAMICITEMDELETE(?:_[0-9]{1,9})?", re.ASCII)
_EVENT = re.compile(r"[A-Z0-9_]{1,100}", re.ASCII)
_MEMBER = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_TYPES = 10**9  # numbers of entity types are smaller
_LONGEST_TOKEN = 256
_LONGEST_DOMAIN = 260

# of `auth`, what proves nothing to anybody
_HARMLESS = ("client_endpoint", "domain", "scope", "server_endpoint", "status", "user_id")
_SECRET_NAME = re.compile(r"token|secret|password|^auth$|auth_id|refresh_id", re.IGNORECASE)
# a shorter one would be found in innocent words
_SHORTEST_SECRET = 8


@dataclass(frozen=True, slots=True)
class InboundEvent:
    """One event, its portal not proved yet.

    `event` is in upper case. `entity_type` and `entity_id` are there where it names a lead, deal,
    contact, company, quote or item (invoice, item_156). `payload` is the whole event without
    any token. `ts`: Unix seconds, of sending or raising. The access and refresh tokens come with
    an installation, and with some others.
    """

    event: str
    member_id: str
    application_token: str = field(repr=False)
    entity_type: str | None = None
    entity_id: int | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    ts: int | None = None
    domain: str | None = None
    access_token: str | None = field(repr=False, default=None)
    refresh_token: str | None = field(repr=False, default=None)


def parse_event(body: bytes) -> InboundEvent:
    """Reads a form-encoded event. Raises MalformedEvent, and nothing else, whatever the bytes are."""
    form = parse_form(body)
    auth = form.get("auth")
    if not isinstance(auth, dict):
        raise MalformedEvent("auth is missing")
    event = _required(form, "event", _EVENT, upper=True)
    type_id = _fields(form).get("ENTITY_TYPE_ID")
    entity_type = entity_type_of(event, type_id if isinstance(type_id, str) else "")
    return InboundEvent(
        event=event,
        member_id=_required(auth, "member_id", _MEMBER),
        application_token=_application_token(auth),
        entity_type=entity_type,
        entity_id=_entity_id(form) if entity_type else None,
        payload=_payload(form, auth),
        ts=_whole(form.get("ts")),
        domain=_domain(auth),
        access_token=_optional(auth, "access_token"),
        refresh_token=_optional(auth, "refresh_token"),
    )


def entity_type_of(event: str, type_id: str) -> str | None:
    """The entity that an event names, by its own name or, of an item, by the number in its data; None for no entity."""
    found = _OBJECT.fullmatch(event)
    if found:
        return (found[1] or found[2]).lower()
    number = _whole(type_id) if _ITEM.fullmatch(event) else None
    return item_name(number) if number and number < _TYPES else None


def is_deletion(event: str) -> bool:
    """Whether the event says that its object is gone."""
    if _ITEM_DELETED.fullmatch(event):
        return True
    return event.endswith("DELETE") and _OBJECT.fullmatch(event) is not None


def is_user_field_event(event: str) -> bool:
    """Whether the event says that the field catalogue has changed."""
    return _USER_FIELD.fullmatch(event) is not None


def _required(form: Form, name: str, pattern: re.Pattern[str], *, upper: bool = False) -> str:
    value = form.get(name)
    text = value.upper() if upper and isinstance(value, str) else value
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise MalformedEvent(f"{name} is missing, or not of the expected form")
    return text


def _application_token(auth: Form) -> str:
    token = _optional(auth, "application_token")
    if token is None or len(token) > _LONGEST_TOKEN:
        raise MalformedEvent("application_token is missing, or too long")
    return token


def _optional(auth: Form, name: str) -> str | None:
    value = auth.get(name)
    return value if isinstance(value, str) and value else None


def _domain(auth: Form) -> str | None:
    domain = _optional(auth, "domain")
    return domain if domain and len(domain) <= _LONGEST_DOMAIN else None


def _entity_id(form: Form) -> int | None:
    """The id in `data[FIELDS][ID]`; None where it is no id: then there is nothing to fetch."""
    return _whole(_fields(form).get("ID")) or None


def _fields(form: Form) -> Form:
    data = form.get("data")
    fields = data.get("FIELDS") if isinstance(data, dict) else None
    return fields if isinstance(fields, dict) else {}


def _whole(value: Form | str | None) -> int | None:
    return int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def _payload(form: Form, auth: Form) -> dict[str, Any]:
    """The fields of an event without its tokens: all but `auth`, and of that what is harmless."""
    secrets = _secrets(auth)
    kept: dict[str, Any] = _without({name: value for name, value in form.items() if name != "auth"}, secrets)
    kept["auth"] = _without({name: auth[name] for name in _HARMLESS if name in auth}, secrets)
    return kept


def _secrets(auth: Form) -> tuple[str, ...]:
    found = (value for name, value in auth.items() if _names_a_secret(name))
    return tuple(value for value in found if isinstance(value, str) and len(value) >= _SHORTEST_SECRET)


def _without(form: Form, secrets: tuple[str, ...]) -> Form:
    kept: Form = {}
    for name, value in form.items():
        if _names_a_secret(name) or _holds(name, secrets):
            continue
        if isinstance(value, dict):
            kept[name] = _without(value, secrets)
        elif not _holds(value, secrets):
            kept[name] = value
    return kept


@lru_cache(maxsize=512)
def _names_a_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _holds(text: str, secrets: tuple[str, ...]) -> bool:
    if len(text) < _SHORTEST_SECRET:
        return False
    for secret in secrets:  # noqa: SIM110  a generator costs thrice that, for each field of thousands of events
        if secret in text:
            return True
    return False
