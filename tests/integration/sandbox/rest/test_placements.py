"""Placements of the sandbox: bound by the application's administrator, listed, and gone with the application."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from b24_pipeline.sandbox import Sandbox, SandboxConfig
from tests.integration.sandbox.conftest import App, Caller

MENU = "CRM_ANALYTICS_MENU"
HANDLER = "https://b24.example.com/bitrix24/inside"


@pytest.fixture
def portal() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(leads=1, deals=1, scope=("crm", "user", "placement"))) as sandbox:
        yield sandbox


def test_a_placement_is_bound_listed_and_unbound(portal: Sandbox) -> None:
    app = App(portal)
    token = app.tokens()["access_token"]
    asked = {"PLACEMENT": MENU, "HANDLER": HANDLER, "TITLE": "Funnel"}
    assert app.call(token, "placement.bind", **asked)[1]["result"] is True
    assert app.call(token, "placement.bind", **asked)[1]["error"] == "ERROR_CORE"
    (bound,) = app.call(token, "placement.get")[1]["result"]
    assert (bound["placement"], bound["handler"], bound["title"]) == (MENU, HANDLER, "Funnel")
    assert MENU in app.call(token, "placement.list")[1]["result"]
    assert app.call(token, "placement.unbind", **asked)[1]["result"] == {"count": 1}
    assert app.call(token, "placement.get")[1]["result"] == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"PLACEMENT": "NOWHERE"}, "ERROR_PLACEMENT_NOT_FOUND"),
        ({"HANDLER": "ftp://b24.example.com/"}, "ERROR_UNSUPPORTED_PROTOCOL"),
        ({"HANDLER": "https:///inside"}, "ERROR_WRONG_HANDLER_URL"),
        ({"HANDLER": ""}, "ERROR_ARGUMENT"),
    ],
)
def test_a_refusal_comes_with_status_200(portal: Sandbox, changed: dict[str, str], code: str) -> None:
    app = App(portal)
    token = app.tokens()["access_token"]
    status, body = app.call(token, "placement.bind", **{"PLACEMENT": MENU, "HANDLER": HANDLER} | changed)
    assert (status, body["error"]) == (200, code)


def test_a_webhook_has_no_application(portal: Sandbox) -> None:
    status, body = Caller(portal)("placement.bind", PLACEMENT=MENU, HANDLER=HANDLER)
    assert (status, body["error"]) == (403, "WRONG_AUTH_TYPE")


def test_removing_the_application_removes_them(portal: Sandbox) -> None:
    app = App(portal)
    app.call(app.tokens()["access_token"], "placement.bind", PLACEMENT=MENU, HANDLER=HANDLER)
    portal.uninstall_app()
    assert portal.portal.application.placements == []
