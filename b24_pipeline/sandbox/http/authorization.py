"""`/oauth/...`: the portal's page of consent and the authorization server's token endpoint.

docs/bitrix24-rest.md, section 2.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlencode

from b24_pipeline.sandbox.http.asgi import HTML_TYPE, Message, Reply, json_reply
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.php import Params, parse_query
from b24_pipeline.sandbox.rest_error import RestError

_PAGE = Template(Path(__file__).with_name("consent.html").read_text("utf-8"))
_FORM = """<ul>{scope}</ul>
<form method="get" action="/oauth/authorize/">
<input type="hidden" name="client_id" value="{client_id}">
<input type="hidden" name="state" value="{state}">
<button id="allow" name="confirm" value="Y">{allow}</button>
<button id="deny" name="confirm" value="N">{deny}</button>
</form>"""
_TEXTS = {
    "ru": {
        "title": "Доступ к порталу",
        "sandbox": "учебный портал: данные вымышлены",
        "ask": "Приложение <b>{app}</b> просит доступ к этому порталу:",
        "crm": "CRM: лиды, сделки, контакты, компании",
        "user": "Пользователи",
        "allow": "Разрешить",
        "deny": "Отказать",
        "denied": "Доступ не дан.",
        "unknown": "Приложение не найдено или не установлено на этом портале.",
    },
    "en": {
        "title": "Access to the portal",
        "sandbox": "a sandbox portal: its data is invented",
        "ask": "The application <b>{app}</b> asks for access to this portal:",
        "crm": "CRM: leads, deals, contacts, companies",
        "user": "Users",
        "allow": "Allow",
        "deny": "Deny",
        "denied": "No access was given.",
        "unknown": "The application was not found or is not installed in this portal.",
    },
}


class Authorization:
    """Answers the browser and the app; whoever opens the page is signed in as the webhook's maker."""

    def __init__(self, portal: PortalState) -> None:
        self._portal = portal
        self._application = portal.application

    def answer(self, path: str, scope: Message) -> Reply:
        """The reply to a request under `/oauth/`."""
        query = parse_query(scope["query_string"].decode("latin-1"))
        if path.strip("/") == "oauth/token":
            return self._token(query)
        if path.strip("/") == "oauth/authorize":
            return self._authorize(query, _language(dict(scope["headers"])))
        return Reply(404, b"", HTML_TYPE)

    def _token(self, query: Params) -> Reply:
        """Parameters count in the query only: what a form does here is not documented."""
        try:
            reply = json_reply(200, self._application.token(query))
        except RestError as error:
            reply = json_reply(error.status, error.body())
        reply.headers = {"cache-control": "no-store"}
        return reply

    def _authorize(self, query: Params, language: str) -> Reply:
        """A refusal is the portal's own page: the app never hears of it (docs/bitrix24-rest.md, section 2.1)."""
        texts = _TEXTS[language]
        client_id, state = str(query.get("client_id", "")), str(query.get("state", ""))
        if client_id != self._portal.config.client_id or not self._application.installed:
            return self._page(404, language, texts["unknown"])
        if query.get("confirm") == "Y":
            return self._redirect(state)
        if "confirm" in query:
            return self._page(200, language, texts["denied"])
        form = _FORM.format(
            client_id=escape(client_id),
            state=escape(state),
            allow=texts["allow"],
            deny=texts["deny"],
            scope="".join(f"<li>{texts.get(name, escape(name))}</li>" for name in self._portal.config.scope),
        )
        return self._page(200, language, texts["ask"].format(app=escape(client_id)), form)

    def _redirect(self, state: str) -> Reply:
        """Leads to the address on the app's card; a `redirect_uri` of the link counts for nothing (section 2.1)."""
        config, addresses = self._portal.config, self._portal.addresses
        answer = {
            "code": self._application.grants.code(config.user_id),
            "state": state,
            "domain": addresses.portal,
            "member_id": config.member_id,
            "scope": ",".join(config.scope),
            "server_domain": addresses.server,
        }
        joint = "&" if "?" in config.redirect_uri else "?"
        location = f"{config.redirect_uri}{joint}{urlencode(answer)}"
        return Reply(302, b"", HTML_TYPE, {"location": location, "cache-control": "no-store"})

    def _page(self, status: int, language: str, text: str, form: str = "") -> Reply:
        texts, portal = _TEXTS[language], escape(self._portal.addresses.portal)
        page = _PAGE.substitute(
            language=language,
            title=texts["title"],
            sandbox=texts["sandbox"],
            portal=portal,
            text=text,
            form=form,
        )
        return Reply(status, page.encode(), HTML_TYPE)


def _language(headers: dict[bytes, bytes]) -> str:
    return "ru" if headers.get(b"accept-language", b"").lower().startswith(b"ru") else "en"
