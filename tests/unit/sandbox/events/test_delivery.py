"""The body of an event, and the settings of its way."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from b24_pipeline.sandbox import EventDelivery, SandboxConfig
from b24_pipeline.sandbox.events.form import encoded
from b24_pipeline.sandbox.events.names import FOR_APPS_ONLY, NAMES
from b24_pipeline.sandbox.events.sender import Delivery, Sender
from b24_pipeline.sandbox.rest.php import parse_query


def test_a_form_nests_by_brackets() -> None:
    """Everything is text; nothing is empty text; an empty object is not there."""
    body = encoded({"event": "X", "data": {"FIELDS": {"ID": 7, "T": "a&b=ü"}}, "none": None, "empty": {}})
    assert parse_qsl(body.decode(), keep_blank_values=True) == [
        ("event", "X"),
        ("data[FIELDS][ID]", "7"),
        ("data[FIELDS][T]", "a&b=ü"),
        ("none", ""),
    ]
    assert parse_query(body.decode())["data"] == {"FIELDS": {"ID": "7", "T": "a&b=ü"}}


def test_delivery_is_read_from_text() -> None:
    """Names and values by comma, as the command line has them."""
    assert EventDelivery.parse("") == EventDelivery()
    assert EventDelivery.parse("lose=0.1, burst=5,tokens=0") == EventDelivery(lose=0.1, burst=5, tokens=False)


@pytest.mark.parametrize("text", ["los=0.1", "lose=much", "lose=2", "burst=0", "delay_seconds=-1"])
def test_what_is_no_delivery_is_refused(text: str) -> None:
    """Unknown names, no numbers, no shares."""
    with pytest.raises(ValueError, match=r"."):
        EventDelivery.parse(text)


def lost(seed: int) -> list[int | None]:
    """The ids that a sender of this seed loses, out of a hundred."""
    sender = Sender(EventDelivery(lose=0.5, delay_seconds=3600, seed=seed))
    for identifier in range(100):
        sender.post(Delivery("X", identifier, "http://127.0.0.1:9/", b""))
    gone = [one.entity_id for one in sender.sent]
    sender.stop()
    return gone


def test_equal_seeds_lose_equally() -> None:
    """A test that failed can be run again."""
    assert lost(1) == lost(1) != lost(2)


def test_waiting_ends_with_a_reason() -> None:
    """What was not sent in time is counted."""
    sender = Sender(EventDelivery(delay_seconds=3600))
    sender.post(Delivery("X", 1, "http://127.0.0.1:9/", b""))
    with pytest.raises(TimeoutError, match="1 events"):
        sender.wait(0.01)
    sender.stop()


def test_names_are_those_of_the_fact_sheet() -> None:
    """Each once, no dynamic items of the four entities."""
    assert len(NAMES) == len(set(NAMES))
    assert {"ONCRMLEADADD", "ONCRMDEALUSERFIELDSETENUMVALUES", "ONCRMDYNAMICITEMUPDATE"} < set(NAMES)
    assert set(NAMES) > FOR_APPS_ONLY


def test_the_apps_secrets_follow_from_the_seed() -> None:
    """Equal seeds, equal apps; given values stay."""
    one, other = SandboxConfig(seed=1), SandboxConfig(seed=2)
    assert (one.client_id, one.application_token) == (
        SandboxConfig(seed=1).client_id,
        SandboxConfig(seed=1).application_token,
    )
    assert one.client_id.startswith("local.")
    assert len({one.client_secret, other.client_secret, one.application_token, one.member_id}) == 4
    assert SandboxConfig(client_secret="x").client_secret == "x"
    assert one.client_secret not in repr(one)
