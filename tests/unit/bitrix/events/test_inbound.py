"""The parser of inbound events: what an honest portal sends is read, all else is refused, cheaply."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b24_pipeline.bitrix.events.forms import MOST_BYTES, parse_form
from b24_pipeline.bitrix.events.inbound import is_deletion, is_user_field_event, parse_event
from b24_pipeline.errors import MalformedEvent
from tests.support.data.events import CANARY, MEMBER, TOKEN, body, fields


def test_event_of_a_deal_is_read() -> None:
    """Event, portal, proof, and the object that it is about."""
    event = parse_event(body(access_token=CANARY, user_id="1", expires="1790003600"))
    assert (event.event, event.member_id, event.application_token) == ("ONCRMDEALUPDATE", MEMBER, TOKEN)
    assert (event.entity_type, event.entity_id, event.ts) == ("deal", 4127, 1790000000)
    assert event.domain == "acme.bitrix24.com"
    assert event.payload["data"] == {"FIELDS": {"ID": "4127"}}
    assert event.payload["auth"]["user_id"] == "1"


def test_no_token_is_in_the_payload_nor_in_what_is_printed() -> None:
    """Whatever it is called and wherever it stands."""
    sent = fields(access_token=CANARY, refresh_token=f"{CANARY}2") | {
        "data[FIELDS][TITLE]": f"x{CANARY}y",
        f"data[{CANARY}]": "1",
        "data[AUTH_ID]": "whoknows1",
        "REFRESH_ID": "whoknows2",
        "data[x][application_token]": "whoknows3",
    }
    event = parse_event(urlencode(sent).encode())
    for secret in (CANARY, TOKEN, "whoknows"):
        assert secret not in str(event.payload)
        assert secret not in repr(event)
    assert event.access_token == CANARY
    assert event.payload["data"]["FIELDS"] == {"ID": "4127"}


@pytest.mark.parametrize(
    ("name", "entity_type", "entity_id"),
    [
        ("OnCrmLeadAdd", "lead", 5),
        ("ONCRMCONTACTDELETE", "contact", 5),
        ("ONCRMCOMPANYUPDATE", "company", 5),
        ("ONCRMDEALMOVETOCATEGORY", "deal", 5),
        ("ONCRMLEADMOVETOCATEGORY", None, None),
        ("ONCRMDEALUSERFIELDADD", None, None),
        ("ONCRMQUOTEUPDATE", "quote", 5),
        ("ONAPPUNINSTALL", None, None),
    ],
)
def test_only_events_of_our_entities_name_an_object(
    name: str, entity_type: str | None, entity_id: int | None
) -> None:
    """The id of a user field is no id of a deal."""
    event = parse_event(body(name, 5))
    assert (event.event, event.entity_type, event.entity_id) == (name.upper(), entity_type, entity_id)


@pytest.mark.parametrize("number", ["", "0", "-1", "1.5", "abc", "9" * 19, "\u0663"])
def test_an_id_that_is_none_leaves_the_event_without_an_object(number: str) -> None:
    """It is an event all the same."""
    event = parse_event(body("ONCRMDEALUPDATE", number))
    assert (event.entity_type, event.entity_id) == ("deal", None)


def test_least_that_an_event_has() -> None:
    """One outgoing webhook lacks all but these (docs/bitrix24-rest.md, section 7.3)."""
    least = {"event": "ONCRMDEALADD", "auth[member_id]": MEMBER, "auth[application_token]": TOKEN}
    assert parse_event(urlencode(least).encode()).payload == {"event": "ONCRMDEALADD", "auth": {}}


def test_kinds_of_events() -> None:
    """A deleted user field is no deleted deal."""
    assert is_deletion("ONCRMDEALDELETE")
    assert not is_deletion("ONCRMDEALUSERFIELDDELETE")
    assert is_user_field_event("ONCRMDEALUSERFIELDSETENUMVALUES")
    assert not is_user_field_event("ONCRMDEALDELETE")


MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "no auth": b"event=ONCRMDEALADD",
    "auth is a value": b"event=ONCRMDEALADD&auth=1",
    "no event": urlencode({"auth[member_id]": MEMBER, "auth[application_token]": TOKEN}).encode(),
    "no member": urlencode({"event": "X", "auth[application_token]": TOKEN}).encode(),
    "empty token": urlencode(
        {"event": "X", "auth[member_id]": MEMBER, "auth[application_token]": ""}
    ).encode(),
    "token is a group": urlencode(
        {"event": "X", "auth[member_id]": MEMBER, "auth[application_token][x]": TOKEN}
    ).encode(),
    "long token": body(token="x" * 257),
    "odd member": body(member="../../etc"),
    "odd event": body("ON CRM"),
    "value and group": b"a=1&a[b]=2&" + body(),
    "group and value": b"a[b]=2&a=1&" + body(),
    "twice": b"a=1&a=2&" + body(),
    "bad escape": b"a=%zz&" + body(),
    "cut escape": body() + b"%4",
    "not UTF-8": b"a=%ff&" + body(),
    "half a character": b"a=%ed%a0%80&" + body(),
    "NUL": b"a=%00&" + body(),
    "open bracket": b"a[b=1&" + body(),
    "closing bracket": b"a]b=1&" + body(),
    "text behind": b"a[b]c=1&" + body(),
    "no name": b"[a]=1&" + body(),
    "nested": b"a[a][a][a][a][a]=1&" + body(),
    "JSON": b'{"event": "ONCRMDEALADD"}',
    "multipart": b'--x\r\nContent-Disposition: form-data; name="event"\r\n\r\nONCRMDEALADD\r\n--x--',
    "201 fields": b"&".join(b"a%d=1" % number for number in range(201)),
    "200 ampersands": b"&" * 200,
    "long name": b"a" * 251 + b"=1&" + body(),
    "64 KiB and one": b"a" * (MOST_BYTES + 1),
    "nested thousands of times": b"a" + b"[a]" * 5000 + b"=1",
    "open brackets": b"a" + b"[" * 60000,
    "closing brackets": b"]" * 60000,
    "percent signs": b"%" * 60000,
    "half escapes": b"%4" * 30000,
    "one value of 60,000 plus signs": b"a=" + b"+" * 60000,
    "names that differ in nothing": b"a[]=1&" * 199 + b"a[0]=1",
    "a million fields": b"&".join([b"a=1"] * 1_000_000),
    "50 MB": b"x" * 50_000_000,
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_is_refused_in_a_few_milliseconds(case: str) -> None:
    """And the message repeats nothing of it."""
    content = MALFORMED[case]
    seconds = []
    for _ in range(5):
        started = time.thread_time()
        with pytest.raises(MalformedEvent) as caught:
            parse_event(content)
        seconds.append(time.thread_time() - started)
    assert min(seconds) < 0.005
    assert TOKEN not in str(caught.value)
    assert len(str(caught.value)) < 100


@given(st.binary(max_size=300) | st.lists(st.sampled_from(b"a[]=&%+20\xff")).map(bytes))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """Nothing but MalformedEvent is ever raised."""
    for parse in (parse_form, parse_event):
        with suppress(MalformedEvent):
            parse(content)


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="[]\0"), min_size=1, max_size=20)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
FORMS: Any = st.dictionaries(
    NAMES,
    st.recursive(TEXTS, lambda inner: st.dictionaries(NAMES, inner, min_size=1), max_leaves=5),
    max_size=8,
)


def flat(form: dict[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in form.items():
        path = f"{prefix}[{name}]" if prefix else name
        found |= flat(value, path) if isinstance(value, dict) else {path: value}
    return found


def depth(value: Any) -> int:
    return 1 + max(map(depth, value.values()), default=0) if isinstance(value, dict) else 0


@given(FORMS)
def test_what_php_writes_is_read_back(form: dict[str, Any]) -> None:
    """Names and values with any character in them."""
    sent = flat(form)
    if depth(form) <= 5 and all(len(name) <= 250 for name in sent):
        assert parse_form(urlencode(sent).encode()) == form


def test_empty_brackets_count_up() -> None:
    """As PHP has it."""
    assert parse_form(b"a[]=x&a[]=y&b[][c]=1") == {"a": {"0": "x", "1": "y"}, "b": {"0": {"c": "1"}}}
