"""The webhook credential."""

from __future__ import annotations

import pytest

from b24_pipeline.bitrix.auth.credentials import WebhookCredential
from b24_pipeline.errors import AddressRefused, B24Error, CredentialRefused, SettingsError
from tests.support.servers.scripted_portal import SECRET


@pytest.mark.parametrize("ending", ["", "/", "/profile.json", "/profile", "/crm.deal.list/"])
def test_what_the_portal_shows_can_be_pasted(ending: str) -> None:
    """With or without a slash or a method at its end."""
    credential = WebhookCredential.parse(f" https://Acme.bitrix24.ru/rest/17/{SECRET}{ending}\n")
    assert credential.base_url == f"https://acme.bitrix24.ru/rest/17/{SECRET}/"
    assert (credential.host, credential.user_id) == ("acme.bitrix24.ru", 17)
    assert credential.prepare("profile", {"a": 1}) == (f"{credential.base_url}profile", {"a": 1})


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (f"https://evil.com/rest/1/{SECRET}/", AddressRefused),
        (f"http://acme.bitrix24.ru/rest/1/{SECRET}/", AddressRefused),
        (f"https://acme.bitrix24.ru@evil.com/rest/1/{SECRET}/", AddressRefused),
        (f"https://acme.bitrix24.ru/rest/{SECRET}/", SettingsError),
        (f"https://acme.bitrix24.ru/rest/x/{SECRET}/", SettingsError),
        (f"https://acme.bitrix24.ru/rest/1/{SECRET}/../../x", SettingsError),
        (f"https://acme.bitrix24.ru/rest/1/{SECRET}?x=1", SettingsError),
        (SECRET, SettingsError),
        ("", SettingsError),
    ],
)
def test_anything_else_is_refused_without_repeating_it(url: str, kind: type[B24Error]) -> None:
    """The message says what was expected; what was pasted may be a secret."""
    with pytest.raises(kind) as caught:
        WebhookCredential.parse(url)
    assert SECRET not in str(caught.value)


def test_the_secret_does_not_show_when_printed() -> None:
    """Neither in repr nor in str."""
    credential = WebhookCredential.parse(f"https://acme.bitrix24.ru/rest/1/{SECRET}/")
    assert SECRET not in f"{credential!r} {credential}"


def test_a_webhook_cannot_be_refreshed() -> None:
    """A webhook that expired has to be made anew, and the error says so."""
    with pytest.raises(CredentialRefused, match="b24 portal add"):
        WebhookCredential.parse(f"https://acme.bitrix24.ru/rest/1/{SECRET}/").refresh("")
