"""The wizard without an application, in a real browser: the address of a sandbox's webhook, and the first sync."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from b24_pipeline.runtime import Runtime, opened
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from b24_pipeline.settings import read_settings
from b24_pipeline.web.app import create_app
from tests.browser.conftest import keep
from tests.browser.test_connect_wizard import PATIENCE_MS, barriers, step
from tests.support.installation import KEY as SECRET_KEY
from tests.support.installation import fetch
from tests.support.servers.web_service import KEY, served


@dataclass
class Bare:
    """A service without an application, and a portal."""

    address: str
    sandbox: Sandbox
    runtime: Runtime


@pytest.fixture
def bare(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bare]:
    """Its syncs are processes with the settings of its environment."""
    settings = {
        "DATABASE_URL": database_url,
        "B24_HOME": str(tmp_path),
        "B24_SECRET_KEYS": SECRET_KEY,
        "B24_ADMIN_KEY": KEY,
        "B24_ALLOWED_PORTALS": "127.0.0.1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with (
        Sandbox(SandboxConfig(leads=20, deals=20)) as sandbox,
        opened(read_settings(_env_file=None)) as runtime,
        served(create_app(runtime)) as address,
    ):
        yield Bare(address, sandbox, runtime)


def test_from_a_webhook_to_the_first_sync(bare: Bare, page: Page) -> None:
    """A wrong secret is explained; the right one connects, and is neither on the page nor in its address nor noted."""
    url = bare.sandbox.webhook_url
    secret = url.rstrip("/").rpartition("/")[2]
    page.goto(f"{bare.address}/connect")
    page.get_by_label("Ключ").fill(KEY)
    page.get_by_role("button", name="Войти").click()
    step(page, "Адрес")
    barriers(page)
    keep(page, "wizard-without-application")
    field = page.get_by_label("Адрес входящего вебхука")
    field.fill(url.replace(secret, "wr0ngs3cr3t"))
    page.get_by_role("button", name="Далее").click()
    expect(page.locator("#problem")).to_contain_text("Секрет неверен")
    assert "wr0ngs3cr3t" not in page.content()
    barriers(page)
    keep(page, "wizard-webhook-refused")
    # as one pastes it: into the field that has the focus, in the place of what stands there
    page.keyboard.insert_text(url)
    expect(field).to_have_value(url)
    page.get_by_label("Название").fill("acme")
    page.get_by_role("button", name="Далее").click()
    step(page, "Первая загрузка")
    expect(page.locator("#outbound")).to_contain_text("исходящий вебхук")
    assert secret not in page.content() + page.url
    expect(page.get_by_role("link", name="Далее: что считать")).to_be_visible(timeout=PATIENCE_MS)
    barriers(page)
    keep(page, "wizard-webhook-synced")
    (portal,) = bare.runtime.portals.all()
    assert bare.runtime.portals.webhook_url(portal) == url
    assert (portal.connected_by, portal.user_is_admin, portal.entity_type) == ("webhook", True, "both")
    (noted,) = fetch(
        bare.runtime.warehouse, "select changed_by, after from bitrix24_audit where what = 'portal'"
    )
    assert noted["changed_by"] == "B24_ADMIN_KEY"
    assert secret not in str(noted)
