"""No secret survives in a log line, however it is nested or written."""

from __future__ import annotations

import json
import logging
import re
import threading
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from b24_pipeline.log import logger, logs_of_run, mask_event, set_up_logs
from b24_pipeline.masks import MASK, masked

CANARY = "c4n4ryS3cret"
TEXTS = [
    f"https://acme.bitrix24.com/rest/1/{CANARY}/crm.deal.list.json",
    f"https://acme.bitrix24.com/rest/api/17/{CANARY}/tasks",
    f"https:\\/\\/acme.bitrix24.com\\/rest\\/1\\/{CANARY}\\/profile",
    f"https%3A%2F%2Facme.bitrix24.com%2Frest%2F1%2F{CANARY}%2Fprofile",
    f"GET /oauth/token/?grant_type=refresh_token&client_secret={CANARY}&refresh_token={CANARY}",
    f"auth={CANARY}&x=1",
    f"AUTH_ID={CANARY}&REFRESH_ID={CANARY}",
    f"postgresql://ann:{CANARY}@db.example.com:5432/b24",
    f"redis://:{CANARY}@cache/0",
    f"postgresql://ann:p@{CANARY}@db.example.com/b24",
    f'{{"access_token": "{CANARY}", "expires": 1}}',
    f"{{'refresh_token': '{CANARY}'}}",
    f"Authorization: Bearer {CANARY}",
    f"application_token={CANARY}",
    f"/?code={CANARY}&state=1",
]
KEYS = [
    "access_token",
    "REFRESH_TOKEN",
    "auth",
    "AUTH_ID",
    "client_secret",
    "password",
    "webhook_url",
    "b24_secret_keys",
    "B24_ADMIN_KEY",
    "Authorization",
    "code",
]


@dataclass
class Holder:
    access_token: str


LEAVES = st.sampled_from(
    [*TEXTS, *(text.encode() for text in TEXTS), ValueError(TEXTS[0]), *({key: CANARY} for key in KEYS)]
)
PLAIN = st.none() | st.integers() | st.text(max_size=5)
NESTED = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner | PLAIN, min_size=1, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=5), inner | PLAIN, min_size=1, max_size=3)
        | inner.map(lambda value: {"deep": value})
        | inner.map(lambda value: Holder(str(value)))
    ),
    max_leaves=5,
)


@pytest.mark.parametrize("text", TEXTS)
def test_secret_in_a_text_is_masked(text: str) -> None:
    """Webhook paths, tokens, passwords: the rest of the text stays."""
    shown = masked(text)
    assert CANARY not in shown
    assert MASK in shown


@pytest.mark.parametrize(
    "text", ["crm.deal.list: 50 rows", "https://acme.bitrix24.com/crm/deal/7/", "12:30:00", "author=Ann"]
)
def test_text_without_a_secret_is_left_as_it_is(text: str) -> None:
    """Masking takes nothing else away."""
    assert masked(text) == text


@given(st.dictionaries(st.text(max_size=5), NESTED, min_size=1, max_size=3))
def test_no_canary_survives_any_nesting(event: dict[str, Any]) -> None:
    """Lists, tuples, dicts, objects, bytes and errors are all looked into."""
    assert CANARY not in str(mask_event(None, "info", dict(event)))


@pytest.mark.parametrize("key", KEYS)
def test_value_under_a_secret_name_is_masked(key: str) -> None:
    """By its name alone, whatever it looks like."""
    assert mask_event(None, "info", {"told": {key: CANARY}}) == {"told": {key: MASK}}


def test_secret_in_a_key_is_masked() -> None:
    """A URL may be a key too."""
    assert CANARY not in str(mask_event(None, "info", {"urls": {TEXTS[0]: 1}}))


@pytest.mark.parametrize("as_json", [True, False])
def test_lines_are_masked_with_their_tracebacks(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """An error is logged with its traceback; the secret in its message is not."""
    try:
        set_up_logs(verbose=True, as_json=as_json)
        try:
            int(TEXTS[0])
        except ValueError:
            logger("test").exception("it_broke", portal="acme", told={"auth": CANARY})
    finally:
        structlog.reset_defaults()
    told = capsys.readouterr().err
    assert CANARY not in told
    assert "it_broke" in told
    assert "ValueError" in told
    if as_json:
        line = json.loads(told)
        assert (line["of"], line["portal"], line["level"]) == ("test", "acme", "error")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_value_cannot_write_a_line_of_its_own(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Nor move the cursor of a terminal, nor turn the direction of writing."""
    try:
        set_up_logs(verbose=True, as_json=as_json)
        logger("test").info("renamed", stage="won\x1b[2J\u202e\n2026-01-01 [error] all is lost")
    finally:
        structlog.reset_defaults()
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert not {"\x1b", "\u202e", "\\u001b", "\\u202e"} & {*told, *re.findall(r"\\u....", told)}


def test_quiet_by_default_and_httpx_always(capsys: pytest.CaptureFixture[str]) -> None:
    """Only warnings and worse are shown, and httpx, which writes whole URLs, shows no request."""
    try:
        set_up_logs()
        logger("test").info("nothing")
        logger("test").warning("something")
    finally:
        structlog.reset_defaults()
    told = capsys.readouterr().err
    assert "something" in told
    assert "nothing" not in told
    assert logging.getLogger("httpx").level == logging.WARNING


def test_lines_of_a_run_carry_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    """Whichever thread writes them; the next run has another id, and a person on a terminal sees none."""
    try:
        for _ in range(2):
            set_up_logs(as_json=True)
            logger("test").warning("here")
            thread = threading.Thread(target=lambda: logger("test").warning("there"))
            thread.start()
            thread.join()
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        assert [line["event"] for line in lines] == ["here", "there"] * 2
        assert [line["run"] for line in lines] == [lines[0]["run"]] * 2 + [lines[2]["run"]] * 2
        assert len({line["run"] for line in lines}) == 2
        set_up_logs()
        logger("test").warning("here")
        assert "run" not in capsys.readouterr().err
    finally:
        structlog.reset_defaults()


def test_after_a_run_logs_are_as_before(capsys: pytest.CaptureFixture[str]) -> None:
    """A process that runs several, one after the other, mixes none of them up."""
    try:
        set_up_logs()
        for run in ("one", "two"):
            with logs_of_run(run):
                logger("test").warning("within")
                assert json.loads(capsys.readouterr().err)["run"] == run
        logger("test").warning("after")
        assert capsys.readouterr().err.startswith("20")  # a plain line, which begins with its time
    finally:
        structlog.reset_defaults()
