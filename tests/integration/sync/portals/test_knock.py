"""Whether a portal answers at an address, asked over real HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse

from b24_pipeline.errors import (
    AccessDenied,
    AddressRefused,
    B24Error,
    PaymentRequired,
    PortalMoved,
    PortalUnreachable,
    UnreadableAnswer,
)
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.sync.portals.knock import knock
from tests.support.servers.web_service import served

ALLOWED = ("127.0.0.1",)


def test_a_portal_answers() -> None:
    """It knows nobody without a token, and that is enough."""
    with Sandbox(SandboxConfig(leads=1, deals=1)) as sandbox:
        knock(sandbox.url, ALLOWED)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, "<html>a shop</html>", UnreadableAnswer),
        (200, {"result": {"ID": "1"}}, UnreadableAnswer),
        (402, {"error": "PAYMENT_REQUIRED"}, PaymentRequired),
        (403, {"error": "ACCESS_DENIED", "error_description": "only on commercial plans"}, AccessDenied),
        (302, "", PortalMoved),
    ],
)
def test_what_else_answers_is_named(status: int, body: Any, kind: type[B24Error]) -> None:
    """A page, a program that lets everybody in, a portal without REST, a portal that has moved."""
    app = FastAPI()
    headers = {"Location": "https://new.bitrix24.com/rest/"} if status == 302 else {}
    answer = JSONResponse(body, status) if isinstance(body, dict) else HTMLResponse(body, status, headers)
    app.add_api_route("/rest/profile.json", lambda: answer)
    with served(app) as address, pytest.raises(kind):
        knock(address, ALLOWED)


def test_nothing_answers() -> None:
    """Nobody listens at the port; and an address that may not be asked is not asked."""
    with pytest.raises(PortalUnreachable) as unreachable:
        knock("http://127.0.0.1:9", ALLOWED)
    assert unreachable.value.portal == "http://127.0.0.1:9"
    with pytest.raises(AddressRefused):
        knock("http://10.0.0.1", ALLOWED)
