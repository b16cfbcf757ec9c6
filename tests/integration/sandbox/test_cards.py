"""Cards of the sandbox: our pages lead to them, as they do to those of a portal."""

from __future__ import annotations

from html import escape

import httpx

from b24_pipeline.sandbox import Sandbox, SandboxConfig


def test_a_card_is_opened_by_its_number() -> None:
    """With its title, as the API has it, escaped; what is not there is not found."""
    with Sandbox(SandboxConfig(leads=2, deals=2)) as sandbox:
        listed = httpx.get(f"{sandbox.webhook_url}crm.deal.list", trust_env=False).json()["result"]
        for deal in listed:
            card = httpx.get(f"{sandbox.url}/crm/deal/details/{deal['ID']}/", trust_env=False)
            assert card.status_code == 200
            assert f"<h1>{escape(deal['TITLE'])}</h1>" in card.text
        assert listed
        assert httpx.get(f"{sandbox.url}/crm/deal/details/999999/", trust_env=False).status_code == 404
