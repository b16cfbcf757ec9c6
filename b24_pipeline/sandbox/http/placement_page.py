"""The portal's pages that open a page of the application: they post a form into a frame, as the portal's own do.

One is an entry of a menu, one the application's own page, at its handler path (section 2.4 of the fact sheet).
"""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from b24_pipeline.sandbox.http.asgi import HTML_TYPE, Message, Reply
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.php import parse_query

PLACE = "/marketplace/placement/"
OWN_PAGE = "/marketplace/app/"
_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{ margin: 0; }} iframe {{ width: 100%; height: 100vh; border: 0; }}</style></head>
<body><iframe name="app" title="{title}"></iframe>
<form method="post" target="app" action="{action}">{fields}</form>
<script>document.forms[0].submit();</script></body></html>"""


def placement_page(portal: PortalState, path: str, scope: Message) -> Reply | None:
    """The page at `/marketplace/placement/CODE/?user=N` or `/marketplace/app/`, opened by this user; else None."""
    if not path.startswith((PLACE, OWN_PAGE)):
        return None
    code = path.removeprefix(PLACE).strip("/") if path.startswith(PLACE) else "DEFAULT"
    query = parse_query(scope["query_string"].decode("latin-1"))
    user_id = int(str(query.get("user") or portal.config.user_id))
    language = str(query.get("lang") or "ru")
    bound = _bound(portal, code)
    if bound is None or not portal.application.installed:
        return Reply(404, b"no application is here", HTML_TYPE)
    called = urlencode(
        {"DOMAIN": portal.addresses.portal, "PROTOCOL": "0", "LANG": language, "APP_SID": "0" * 32}
    )
    fields = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in placement_form(portal, code, user_id).items()
    )
    page = _PAGE.format(
        language=escape(language),
        title=escape(bound["title"]),
        action=escape(f"{bound['handler']}?{called}"),
        fields=fields,
    )
    return Reply(200, page.encode(), HTML_TYPE)


def _bound(portal: PortalState, code: str) -> dict[str, str] | None:
    """What stands behind a code: the application's own page behind DEFAULT, else what it has bound there."""
    if code == "DEFAULT":
        return {"handler": portal.config.redirect_uri, "title": "b24-pipeline"}
    return next((one for one in portal.application.placements if one["placement"] == code), None)


def placement_form(portal: PortalState, code: str, user_id: int) -> dict[str, str]:
    """The fields of the form: tokens are of the user who opens the page."""
    pair = portal.application.grants.grant(user_id)
    return {
        "AUTH_ID": pair.access,
        "AUTH_EXPIRES": str(round(portal.config.access_token_seconds)),
        "REFRESH_ID": pair.refresh,
        "SERVER_ENDPOINT": portal.addresses.server_endpoint,
        "APPLICATION_TOKEN": portal.config.application_token,
        "APPLICATION_SCOPE": ",".join(portal.config.scope),
        "member_id": portal.config.member_id,
        "status": "L",
        "PLACEMENT": code,
        "PLACEMENT_OPTIONS": "[]",
    }
