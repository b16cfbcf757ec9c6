"""Inbound events as Bitrix24 posts them, and portals that may send some."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.events.senders import APPLICATION_TOKEN
from tests.support.installation import KEY

MEMBER = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
TOKEN = "c41d8cd98f00b204e9800998ecf8427e"
CANARY = "canary5ecretaccess"


def fields(
    event: str = "ONCRMDEALUPDATE",
    number: Any = 4127,
    *,
    member: str = MEMBER,
    token: str = TOKEN,
    **auth: str,
) -> dict[str, str]:
    """The fields of an event (docs/bitrix24-rest.md, section 7.3)."""
    return {
        "event": event,
        "event_handler_id": "318",
        "data[FIELDS][ID]": str(number),
        "ts": "1790000000",
        **{f"auth[{name}]": value for name, value in auth.items()},
        "auth[domain]": "acme.bitrix24.com",
        "auth[server_endpoint]": "https://oauth.bitrix.info/rest/",
        "auth[client_endpoint]": "https://acme.bitrix24.com/rest/",
        "auth[member_id]": member,
        "auth[application_token]": token,
    }


def body(event: str = "ONCRMDEALUPDATE", number: Any = 4127, **other: str) -> bytes:
    """The same as it goes over the wire."""
    return urlencode(fields(event, number, **other)).encode()


def may_send(
    warehouse: Warehouse, account: UUID, *, member: str | None = MEMBER, token: str = TOKEN, key: str = KEY
) -> None:
    """From now on this portal may send events."""
    locked = Vault(key).lock(account, APPLICATION_TOKEN, token)
    with warehouse.connect() as connection:
        connection.execute(
            "update user_accounts set bitrix24_member_id = %s, bitrix24_application_token = %s where id = %s",
            (member, locked, account),
        )
