"""Addresses of portals and of the cards in them, as a browser opens them."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from fastapi import Request

from b24_pipeline.store.access.holder import KeyHolder
from b24_pipeline.store.portals.portal import CONNECTED, Portal
from b24_pipeline.web.frame.page_frame import PageFrame
from b24_pipeline.web.pages.leads_page import entity_of

CLOUD = Portal(uuid4(), "acme", "acme.bitrix24.com", "both", "", CONNECTED, "UTC")


@pytest.mark.parametrize(
    ("domain", "origin"),
    [
        ("acme.bitrix24.com", "https://acme.bitrix24.com"),
        ("127.0.0.1:8077", "http://127.0.0.1:8077"),
        ("https://127.0.0.1:8077", "https://127.0.0.1:8077"),
        ("http://crm.corp.example", "http://crm.corp.example"),
        ("crm.corp.example:8443", "https://crm.corp.example:8443"),
        ("büro.example", "https://büro.example"),
    ],
)
def test_a_card_is_at_the_address_of_its_portal(domain: str, origin: str) -> None:
    """By http where the portal is reached so, as the sandbox is; the address is read back for a link by hand."""
    portal = replace(CLOUD, domain=domain)
    frame = PageFrame(Request({"type": "http"}), KeyHolder("Anna", "viewer"), [portal], portal)
    assert frame.site(portal) == f"{origin}/"
    card = frame.card("deal", 189)
    assert card == f"{origin}/crm/deal/details/189/"
    assert entity_of(portal, "lead", card) == ("deal", 189)
