"""`/docs`: the OpenAPI as a page of our own, so that no script of another host runs here."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from b24_pipeline.web.connect.pages import page


def add_docs(app: FastAPI) -> None:
    """Adds the page; it shows what the app has at the time of asking."""

    def docs(request: Request) -> HTMLResponse:
        return page(request, "docs.html", schema=app.openapi())

    app.add_api_route("/docs", docs, include_in_schema=False)
