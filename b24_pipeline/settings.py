"""The settings, read once from the environment, from `.env` in the working folder, and from a folder of secrets.

No other module reads the environment. A field's name in upper case is the name
of its variable; the README's table of settings explains each.
"""

from __future__ import annotations

import json
import logging
import os
import re
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from dotenv.parser import Binding, parse_stream
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from b24_pipeline.demo_home import demo_of, demo_settings, has_database, has_demo, is_demo
from b24_pipeline.errors import SettingsError
from b24_pipeline.setting_names import misspelt

# it names neither the file nor what to do; `misspelt_settings` does
logging.getLogger("dotenv.main").setLevel(logging.ERROR)

SHORTEST_ADMIN_KEY = 16
CALLBACK_PATH = "/bitrix24/callback"
"""The path of `b24 serve` to which a portal sends the browser back."""
USUAL_SERVICE = "http://127.0.0.1:8024"
"""Where `b24 serve` is reached unless something else is said."""
BROKERS = ("redis://", "rediss://", "amqp://", "amqps://")
_CALLBACK = re.compile(
    rf"(?:https://[^/?#@\s]+|http://(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]+)?){CALLBACK_PATH}"
)


class Settings(BaseSettings):
    """All settings. Secrets do not show when they are printed. A description says what a number may be."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True, env_ignore_empty=True
    )

    database_url: SecretStr | None = None
    b24_home: Path = Path(".b24")
    bitrix24_client_id: str | None = None
    bitrix24_client_secret: SecretStr | None = None
    bitrix24_redirect_uri: str | None = None
    bitrix24_oauth_url: str = "https://oauth.bitrix.info"
    b24_secret_keys: SecretStr | None = None
    b24_public_url: str = USUAL_SERVICE
    b24_admin_key: SecretStr | None = None
    b24_allowed_portals: str = ""
    b24_ui_hosts: str = ""
    b24_rate_limit: str | None = None
    b24_budget_url: str | None = None
    b24_broker_url: SecretStr | None = None
    b24_select: dict[str, list[str]] = Field(default_factory=dict)
    b24_models_path: Path | None = None
    b24_lag_seconds: int = Field(default=300, ge=0, description="a whole number, 0 or more")
    b24_check_seconds: float = Field(
        default=10.0, gt=0, allow_inf_nan=False, description="a number of more than 0"
    )
    b24_concurrency: int = Field(default=8, ge=1, le=50, description="a whole number, 1 to 50")
    b24_egress: str = ""
    b24_trusted_proxies: str = "127.0.0.1,::1"

    @field_validator("database_url")
    @classmethod
    def _postgresql_only(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("expected a URL that begins with postgresql://")
        return value

    @field_validator("b24_broker_url")
    @classmethod
    def _broker_we_speak_to(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith(BROKERS):
            raise ValueError(
                "expected the URL of a Redis or RabbitMQ, which begins with " + ", ".join(BROKERS)
            )
        return value

    @field_validator("b24_admin_key")
    @classmethod
    def _not_guessed(cls, value: SecretStr | None) -> SecretStr | None:
        if value and len(value.get_secret_value()) < SHORTEST_ADMIN_KEY:
            raise ValueError(
                f"expected {SHORTEST_ADMIN_KEY} characters or more: whoever guesses the key manages all portals"
            )
        return value

    @field_validator("bitrix24_redirect_uri")
    @classmethod
    def _our_callback(cls, value: str | None) -> str | None:
        if value and not _CALLBACK.fullmatch(value):
            raise ValueError(
                f"expected https://host{CALLBACK_PATH}, the address on the application's card "
                "(plain http on this machine alone: 127.0.0.1, localhost, [::1])"
            )
        return value

    @field_validator("b24_public_url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^/?#\s]+/?", value):
            raise ValueError("expected https://host, without a path")
        return value

    @field_validator("b24_trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for part in _listed(value):
            try:
                ip_network(part, strict=False)
            except ValueError:
                raise ValueError(
                    f"{part} is no address or network; expected for example 10.0.0.5,192.168.0.0/24"
                ) from None
        return value

    @property
    def has_home(self) -> bool:
        """Whether B24_HOME was given, so that this home is meant and no other."""
        return "b24_home" in self.model_fields_set

    @property
    def trusted_proxies(self) -> tuple[str, ...]:
        """Addresses and networks of our own proxies, from B24_TRUSTED_PROXIES."""
        return _listed(self.b24_trusted_proxies)

    @property
    def allowed_portals(self) -> tuple[str, ...]:
        """Host patterns beyond the Bitrix24 clouds, from B24_ALLOWED_PORTALS."""
        return _listed(self.b24_allowed_portals)

    @property
    def ui_hosts(self) -> tuple[str, ...]:
        """Hosts by which browsers may ask for Dagster's UI beyond this machine's own, from B24_UI_HOSTS."""
        return _listed(self.b24_ui_hosts)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def read_settings(**overrides: Any) -> Settings:
    """The settings as they are now. Raises SettingsError that names the variable that cannot be used."""
    try:
        return Settings(_secrets_dir=_folder_of_secrets(), **overrides)
    except ValidationError as error:
        raise SettingsError(_first_problem(error)) from None
    except ValueError:  # raised by pydantic-settings; only B24_SELECT is JSON
        raise SettingsError(
            'B24_SELECT cannot be read: expected JSON such as {"deal": ["ID", "TITLE", "STAGE_ID"]}'
        ) from None


def _folder_of_secrets() -> Path | None:
    """Where each file is a setting: `/run/secrets` as containers have it, unless B24_SECRETS_PATH names another."""
    given = os.environ.get("B24_SECRETS_PATH")
    folder = Path(given or "/run/secrets")
    if given and not folder.is_dir():
        raise SettingsError(f"B24_SECRETS_PATH cannot be used: {folder} is no folder")
    if not folder.is_dir():
        return None
    try:
        for path in folder.iterdir():
            if path.name.lower() in Settings.model_fields:
                path.read_bytes()
    except OSError as error:
        raise SettingsError(f"a setting cannot be read from {error.filename}: {error.strerror}") from None
    return folder


def settings_of_files() -> list[str]:
    """The settings that come from the folder of secrets, as neither the environment nor .env has them."""
    folder = _folder_of_secrets()
    if folder is None:
        return []
    given = [name for name, value in os.environ.items() if value]
    given += [line.key for line in _lines_of_file() if line.key and line.value]
    elsewhere = {name.lower() for name in given}
    names = {path.name.lower() for path in folder.iterdir()} & set(Settings.model_fields)
    return sorted(name.upper() for name in names - elsewhere)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read at the first call: the demo's where nothing but its database is there.

    A home that was given (B24_HOME) is used as it is.
    """
    given = own_settings()
    if given.has_home or given.database_url:
        return given
    if not has_database(given.b24_home) and has_demo(given.b24_home):
        return settings_of_demo(given.b24_home)
    return given


def settings_of_demo(home: Path) -> Settings:
    """The settings of the demo inside of this home."""
    return read_settings(**demo_settings(demo_of(home)))


def own_settings() -> Settings:
    """The settings as they are given, for what begins a database of one's own; the demo's if B24_HOME names it."""
    given = read_settings()
    return read_settings(**demo_settings(given.b24_home)) if is_demo(given.b24_home) else given


def misspelt_settings() -> list[str]:
    """A line for each variable, of the environment or of .env, that was meant for a setting and is none.

    A line too for each one of .env that sets nothing."""
    in_file = _lines_of_file()
    names = [line.key for line in in_file if line.key and line.value is not None]
    unread = [
        f"line {_number(line)} of .env is left out: it is no NAME=value"
        for line in in_file
        if line.error or (line.key and line.value is None)
    ]
    return unread + misspelt([*os.environ, *names], [name.upper() for name in Settings.model_fields])


def _lines_of_file() -> list[Binding]:
    if not Path(".env").is_file():
        return []
    with Path(".env").open(encoding="utf-8") as file:
        return list(parse_stream(file))


def _number(line: Binding) -> int:
    """Its number in the file; empty lines before it belong to it."""
    text = line.original.string
    return line.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    name = "_".join(str(part) for part in problem["loc"][:1]).upper()
    known = Settings.model_fields.get(name.lower())
    expected = f"expected {known.description}" if known and known.description else problem["msg"]
    return f"{name} cannot be used: {expected.removeprefix('Value error, ')}"


def as_environment(chosen: Settings) -> dict[str, str]:
    """The settings as environment variables, secrets included, without those that are empty."""
    plain = {name: getattr(chosen, name) for name in type(chosen).model_fields}
    return {name.upper(): _as_text(value) for name, value in plain.items() if value not in (None, "", {})}


def child_environment(chosen: Settings, **more: str) -> dict[str, str]:
    """The environment of a child process: that of this process, with exactly these settings and `more`."""
    return foreign_environment() | as_environment(chosen) | more


def given_dagster_home() -> Path | None:
    """The folder that whoever started us has named to Dagster by DAGSTER_HOME."""
    given = os.environ.get("DAGSTER_HOME")
    return Path(given) if given else None


def foreign_environment() -> dict[str, str]:
    """The environment of this process without our settings: other people's programs need none of our secrets."""
    ours = {name.upper() for name in Settings.model_fields}
    return {name: value for name, value in os.environ.items() if name.upper() not in ours}


def _as_text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return json.dumps(value) if isinstance(value, dict) else str(value)
