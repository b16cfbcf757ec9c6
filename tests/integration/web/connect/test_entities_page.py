"""What is read of a portal is chosen on a page, with everything behind the service."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.web.test_chosen_entities import sync
from tests.support.installation import fetch
from tests.support.servers.live_service import Live, live
from tests.support.servers.pages_site import Visit, text_of
from tests.support.servers.web_service import KEY

PAGE = "/p/acme/entities"


def signed_in(running: Live) -> Visit:
    """An admin's browser."""
    answer = running.client.post("/sign-in", data={"key": KEY}, headers={"Origin": running.address})
    assert answer.status_code == 303
    return Visit(running.client, running.address)


def lines(html: str) -> dict[str, list[str]]:
    """The cells of each entity's line, by our name of it."""
    body = html.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = [
        [text_of(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    ]
    return {row[1]: [row[0], *row[2:]] for row in rows}


def test_what_is_read_is_chosen_on_a_page(database_url: str, tmp_path: Path) -> None:
    """The portal is asked what it has; what is chosen is read by the next sync, what is left stays in the copy."""
    with live(database_url, tmp_path, smart_types=1, smart_items=7, invoices=4) as running:
        running.connect()
        visit = signed_in(running)
        (smart,) = (f"item_{number}" for number in running.sandbox.truth.types()["entity_type_id"])
        assert lines(visit.get(PAGE).text) == {
            "invoice": ["Invoices", "0", "not read", "Have it read Invoices"],
            "quote": ["Quotes", "0", "not read", "Have it read Quotes"],
        }
        asked = lines(visit.post(f"{PAGE}/ask", PAGE).text)
        assert asked["invoice"][1:5] == ["0", "4", "2 requests, about 1 sec", "not read"]
        assert asked[smart][1:3] + asked[smart][4:5] == ["0", "7", "not read"]
        assert asked["quote"][2] == "–"
        assert "The portal refuses it" in asked["quote"][4]

        chosen = visit.post(PAGE, PAGE, entity=smart, wanted="read")
        assert chosen.status_code == 303
        sync(running)
        shown = visit.get(chosen.headers["location"]).text
        assert lines(shown)[smart][1:] == ["7", "read", f"Read no more {lines(shown)[smart][0]}"]
        assert "It is read from the next sync on" in text_of(shown)

        visit.post(PAGE, PAGE, entity=smart, wanted="left")
        assert lines(visit.get(PAGE).text)[smart][1:3] == ["7", "not read"]
        noted = fetch(
            running.runtime.warehouse, "select 1 as one from bitrix24_audit where what = 'entities'"
        )
        assert len(noted) == 2


def test_what_the_portal_does_not_have_is_refused(database_url: str, tmp_path: Path) -> None:
    """The page says what there is to choose from, and nothing is chosen."""
    with live(database_url, tmp_path) as running:
        running.connect()
        visit = signed_in(running)
        answer = visit.post(PAGE, PAGE, entity="item_156", wanted="read")
        assert answer.status_code == 404
        assert not fetch(running.runtime.warehouse, "select 1 as one from bitrix24_chosen_entities")


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "The portal does not have this, or does not show it to the user by whom it is connected."),
        ("ru", "На портале этого нет, или он не показывает это пользователю"),
    ],
)
def test_what_the_portal_refuses_is_said_on_the_page(
    database_url: str, tmp_path: Path, language: str, sentence: str
) -> None:
    """An alert above what can be chosen, in the reader's language; nothing is chosen."""
    with live(database_url, tmp_path) as running:
        running.connect()
        visit = signed_in(running)
        running.client.headers["Accept-Language"] = language
        answer = visit.post(PAGE, PAGE, entity="quote", wanted="read")
        assert answer.status_code == 409
        alert = answer.text.partition('role="alert"')[2].partition("</div>")[0]
        assert sentence in text_of(alert)
        assert "ENTITY_TYPE_NOT_SUPPORTED" in alert
        assert {*lines(answer.text)} == {"invoice", "quote"}
        assert not fetch(running.runtime.warehouse, "select 1 as one from bitrix24_chosen_entities")
