"""The card of a lead, deal, contact or company, to which pages of others lead: its fields as a plain table."""

from __future__ import annotations

import re
from html import escape

import numpy as np

from b24_pipeline.sandbox.http.asgi import HTML_TYPE, Reply, html_reply
from b24_pipeline.sandbox.portal import PortalState

_CARD = re.compile(r"/crm/(lead|deal|contact|company)/details/(\d{1,18})/", re.ASCII)
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><p>{kind} {number} of the sandbox</p><table>{fields}</table></body></html>"""


def card_page(portal: PortalState, path: str) -> Reply | None:
    """The page at `/crm/deal/details/189/`, for whoever asks; None for other paths."""
    match = _CARD.fullmatch(path)
    if match is None:
        return None
    kind, number = match[1], int(match[2])
    with portal.lock:
        entity = portal.entities[kind]
        row = entity.table.row_of(number)
        if row is None:
            return html_reply(404, "404 Not Found")
        card = entity.table.page(np.array([row]), entity.listed_fields()).row(0)
    shown = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in card.items()
        if value not in (None, "")
    )
    title = str(card.get("TITLE") or card.get("NAME") or number)
    page = _PAGE.format(title=escape(title), kind=kind, number=number, fields=shown)
    return Reply(200, page.encode(), HTML_TYPE)
