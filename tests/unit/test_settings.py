"""Settings: read from the environment and .env, named where they cannot be used, secrets never shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from b24_pipeline.errors import SecretKeyError, SettingsError
from b24_pipeline.runtime import oauth_app, vault_of
from b24_pipeline.settings import as_environment, child_environment, foreign_environment, read_settings

CANARY = "c4n4ryS3cret-of-many-letters"


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of ours, and an empty working folder."""
    for name in list(os.environ):
        if name.upper().startswith(("B24_", "BITRIX24_", "DATABASE_URL")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults_are_those_of_the_documentation() -> None:
    """Without any setting there is an embedded database in the working folder."""
    settings = read_settings()
    assert settings.database_url is None
    assert settings.b24_home == Path(".b24")
    assert settings.bitrix24_oauth_url == "https://oauth.bitrix.info"
    assert settings.b24_public_url == "http://127.0.0.1:8024"
    assert settings.allowed_portals == ()
    assert settings.b24_rate_limit is None


def test_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is exported wins over .env; an empty variable counts as unset."""
    (tmp_path / ".env").write_text("B24_EGRESS=file\nB24_RATE_LIMIT=2/second burst 50\nUNKNOWN=1\n")
    monkeypatch.setenv("B24_EGRESS", "environment")
    monkeypatch.setenv("B24_RATE_LIMIT", "")
    settings = read_settings()
    assert settings.b24_egress == "environment"
    assert settings.b24_rate_limit == "2/second burst 50"


def test_a_file_in_the_folder_of_secrets_is_a_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As containers get them: a file for each, named in either case; the environment and .env win."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "b24_secret_keys").write_text(f"{CANARY}\n")
    (folder / "B24_EGRESS").write_text("file")
    (folder / "b24_rate_limit").write_text("1/second burst 5")
    (tmp_path / ".env").write_text("B24_RATE_LIMIT=2/second burst 50\n")
    monkeypatch.setenv("B24_SECRETS_PATH", str(folder))
    settings = read_settings()
    assert settings.b24_secret_keys
    assert settings.b24_secret_keys.get_secret_value() == CANARY
    assert (settings.b24_egress, settings.b24_rate_limit) == ("file", "2/second burst 50")


def test_a_folder_of_secrets_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it a secret would be missing, and nobody would know why."""
    monkeypatch.setenv("B24_SECRETS_PATH", str(tmp_path / "none"))
    with pytest.raises(SettingsError, match=r"B24_SECRETS_PATH cannot be used: .*/none is no folder"):
        read_settings()


def test_a_secret_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in the place of the file, as Docker makes it where the file is missing."""
    (tmp_path / "b24_admin_key").mkdir()
    monkeypatch.setenv("B24_SECRETS_PATH", str(tmp_path))
    with pytest.raises(SettingsError, match=r"cannot be read from .*/b24_admin_key: Is a directory"):
        read_settings()


def test_allowed_portals_are_a_list_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blanks and empty parts do not count."""
    monkeypatch.setenv("B24_ALLOWED_PORTALS", " a.example.com , ,127.0.0.1")
    assert read_settings().allowed_portals == ("a.example.com", "127.0.0.1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", f"mysql://ann:{CANARY}@db/x"),
        ("B24_LAG_SECONDS", "-1"),
        ("B24_LAG_SECONDS", "soon"),
        ("B24_CHECK_SECONDS", "0"),
        ("B24_CHECK_SECONDS", "inf"),
        ("B24_ADMIN_KEY", CANARY[:15]),
        ("B24_CONCURRENCY", "0"),
        ("B24_CONCURRENCY", "51"),
        ("B24_TRUSTED_PROXIES", "10.0.0.5,proxy.example.com"),
        ("B24_SELECT", '["lead"]'),
    ],
)
def test_setting_that_cannot_be_used_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the variable's name, and nothing of a secret value."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as raised:
        read_settings()
    assert CANARY not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("B24_CONCURRENCY", "many", "a whole number, 1 to 50"),
        ("B24_CONCURRENCY", "51", "a whole number, 1 to 50"),
        ("B24_LAG_SECONDS", "1.5", "a whole number, 0 or more"),
        ("B24_CHECK_SECONDS", "nan", "a number of more than 0"),
    ],
)
def test_a_number_is_told_with_its_range(
    name: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is none, or one that is too large."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        read_settings()
    assert str(raised.value) == f"{name} cannot be used: expected {expected}"


@pytest.mark.parametrize(
    "address",
    [
        "https://b24.example.com/bitrix24/callback",
        "https://b24.example.com:8443/bitrix24/callback",
        "http://127.0.0.1:8024/bitrix24/callback",
        "http://localhost/bitrix24/callback",
        "http://[::1]:8024/bitrix24/callback",
    ],
)
def test_redirect_address_is_handed_to_the_application(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An https address of ours, or one on this machine; left out, the application has none."""
    application = {"bitrix24_client_id": "local.1", "bitrix24_client_secret": CANARY}
    without = oauth_app(read_settings(**application))
    assert without is not None
    assert without.redirect_uri is None
    monkeypatch.setenv("BITRIX24_REDIRECT_URI", address)
    with_address = oauth_app(read_settings(**application))
    assert with_address is not None
    assert with_address.redirect_uri == address


@pytest.mark.parametrize(
    "address",
    [
        "http://b24.example.com/bitrix24/callback",
        "http://127.0.0.1.example.com/bitrix24/callback",
        "https:///bitrix24/callback",
        f"https://ann:{CANARY}@b24.example.com/bitrix24/callback",
        "https://b24.example.com",
        "https://b24.example.com/bitrix24/callback/",
        "https://b24.example.com/bitrix24/connect",
        "https://b24.example.com/bitrix24/callback?portal=acme",
        "https://b24.example.com/bitrix24/callback#top",
        "b24.example.com/bitrix24/callback",
        "ftp://b24.example.com/bitrix24/callback",
        "https://b24.example.com/bitrix24/callback\nhttps://b24.example.com/bitrix24/callback",
    ],
)
def test_redirect_address_that_is_not_ours_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything starts, and the message says which address was expected."""
    monkeypatch.setenv("BITRIX24_REDIRECT_URI", address)
    with pytest.raises(SettingsError, match="BITRIX24_REDIRECT_URI") as raised:
        read_settings()
    assert "expected https://host/bitrix24/callback" in str(raised.value)
    assert CANARY not in str(raised.value)


def test_json_setting_that_is_no_json_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, with the setting's name."""
    monkeypatch.setenv("B24_SELECT", "lead: TITLE")
    with pytest.raises(SettingsError, match="B24_SELECT"):
        read_settings()


def test_secrets_do_not_show_when_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """repr() and str() of the settings are safe to log."""
    for name in ("BITRIX24_CLIENT_SECRET", "B24_SECRET_KEYS", "B24_ADMIN_KEY"):
        monkeypatch.setenv(name, CANARY)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://ann:{CANARY}@db/x")
    settings = read_settings()
    assert CANARY not in repr(settings) + str(settings)


def test_child_gets_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read back from the environment made for a child process, the settings are equal."""
    monkeypatch.setenv("B24_SELECT", '{"lead": ["TITLE", "UF_CRM_1"]}')
    monkeypatch.setenv("B24_LAG_SECONDS", "0")
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann@db/x")
    chosen = read_settings(b24_egress="a")
    environment = child_environment(chosen, MORE="1")
    assert environment["MORE"] == "1"
    for name in as_environment(chosen):
        monkeypatch.setenv(name, environment[name])
    assert read_settings() == chosen


def test_own_database_needs_a_key(tmp_path: Path) -> None:
    """With DATABASE_URL and no key nothing starts; the embedded default makes itself one."""
    with pytest.raises(
        SecretKeyError, match=r"B24_SECRET_KEYS is not set.* needs the key it had.*b24 keys new"
    ):
        vault_of(read_settings(database_url="postgresql://ann@db/x"))
    vault_of(read_settings(b24_home=tmp_path / "home"))
    assert (tmp_path / "home" / "secret.keys").exists()


def test_programs_of_others_get_no_setting_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """psql, say, whose user may list its environment; the rest stays, such as its own options."""
    monkeypatch.setenv("B24_SECRET_KEYS", CANARY)
    monkeypatch.setenv("database_url", f"postgresql://user:{CANARY}@db/b24")
    monkeypatch.setenv("PGOPTIONS", "-c work_mem=64MB")
    kept = foreign_environment()
    assert kept["PGOPTIONS"] == "-c work_mem=64MB"
    assert CANARY not in "".join(kept.values())
