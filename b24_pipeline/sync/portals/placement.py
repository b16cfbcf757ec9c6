"""Our page inside the portal: an entry of the CRM analytics menu, which opens it in a frame.

/bitrix24/inside is called by POST with the opening user's token; `visitors.py` proves who it is.
"""

from __future__ import annotations

from b24_pipeline.bitrix.client import BitrixClient

PLACEMENT = "CRM_ANALYTICS_MENU"
PLACEMENT_SCOPE = "placement"
INSIDE_PATH = "/bitrix24/inside"
_TITLES = {
    "en": ("Funnel", "Funnel and sources by b24-pipeline"),
    "ru": ("Сквозная воронка", "Воронка и источники от b24-pipeline"),
}


def place(client: BitrixClient, handler: str) -> None:
    """Adds the entry, unless it is there; one that leads to a former address of ours goes. Raises PortalError."""
    known = _handlers(client)
    for other in known - {handler}:
        client.call("placement.unbind", {"PLACEMENT": PLACEMENT, "HANDLER": other})
    if handler not in known:
        languages = {
            code: {"TITLE": title, "DESCRIPTION": description}
            for code, (title, description) in _TITLES.items()
        }
        client.call(
            "placement.bind",
            {
                "PLACEMENT": PLACEMENT,
                "HANDLER": handler,
                "TITLE": _TITLES["en"][0],
                "LANG_ALL": languages,
            },
        )


def displace(client: BitrixClient) -> None:
    """Takes our entries out of the menu. Raises PortalError."""
    for handler in _handlers(client):
        client.call("placement.unbind", {"PLACEMENT": PLACEMENT, "HANDLER": handler})


def _handlers(client: BitrixClient) -> set[str]:
    """The handlers of our application in the menu: the portal lists those of the asking application alone."""
    found = client.call("placement.get").result
    bound = found if isinstance(found, list) else []
    return {
        str(entry["handler"])
        for entry in bound
        if isinstance(entry, dict)
        and entry.get("placement") == PLACEMENT
        and str(entry.get("handler", "")).endswith(INSIDE_PATH)
    }
