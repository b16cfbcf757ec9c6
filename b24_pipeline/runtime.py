"""Opens an installation from the settings: database, keys, portals, budget. Commands and Dagster begin with it.

What only speaks to portals is imported at its first use: a command that reads the database alone, such as
`b24 status`, would else wait longer for imports than for its answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from psycopg.errors import InsufficientPrivilege

from b24_pipeline.bitrix.http.address import parse_server
from b24_pipeline.demo_home import has_database, has_demo, lacks_database
from b24_pipeline.entities import BY_NAME
from b24_pipeline.errors import (
    AddressRefused,
    DatabaseError,
    ReadingRefused,
    SecretKeyError,
    SettingsError,
    UsageError,
)
from b24_pipeline.settings import Settings, own_settings, settings, settings_of_demo
from b24_pipeline.store.database.migrations import check_migrated, check_readable, migrate
from b24_pipeline.store.database.vault import HOW_TO_MAKE, Vault, key_of_home
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.sync.options import Options, Progress, no_progress

if TYPE_CHECKING:
    from b24_pipeline.bitrix.auth.oauth import OAuthApp
    from b24_pipeline.bitrix.budget.shared import LeakyBucketSupport
    from b24_pipeline.sync.connections import Connections
    from b24_pipeline.sync.portals.oauth import PortalConnector


@dataclass(frozen=True)
class Runtime:
    """An opened installation: its settings, database, portals, and clients.

    `budget_storage`: where the shared budget is, if not in the database.
    """

    settings: Settings
    warehouse: Warehouse
    portals: Portals
    budget_storage: LeakyBucketSupport | None

    @cached_property
    def connections(self) -> Connections:
        """Opens clients of the portals."""
        from b24_pipeline.sync.connections import Connections

        return Connections(
            self.warehouse,
            self.portals,
            self.settings.allowed_portals,
            self.settings.b24_rate_limit,
            self.settings.b24_egress,
            self.budget_storage,
            oauth_app(self.settings),
        )

    @property
    def oauth(self) -> OAuthApp | None:
        """Our OAuth application, if the settings name one."""
        return self.connections.oauth

    def connector(self) -> PortalConnector:
        """The connector of portals by OAuth. Raises SettingsError where no application is set."""
        from b24_pipeline.sync.portals.oauth import PortalConnector

        if self.oauth is None:
            raise SettingsError(
                "portals are connected by OAuth with BITRIX24_CLIENT_ID and BITRIX24_CLIENT_SECRET, "
                "which the application's card in Bitrix24 shows; set both"
            )
        return PortalConnector(self.connections, self.oauth, self.settings.b24_public_url)

    def options(
        self, *, progress: Progress = no_progress, run_id: str | None = None, accept_deletions: bool = False
    ) -> Options:
        """The options of a sync, by the settings. Raises SettingsError where B24_SELECT is wrong."""
        return Options(
            lag=timedelta(seconds=self.settings.b24_lag_seconds),
            check_seconds=self.settings.b24_check_seconds,
            concurrency=self.settings.b24_concurrency,
            select=known_selection(self.settings.b24_select),
            accept_deletions=accept_deletions,
            run_id=run_id,
            progress=progress,
        )


def database_url(settings: Settings) -> str:
    """The URL of the database: DATABASE_URL, or that of the embedded server, which is started if it does not run."""
    if settings.database_url:
        return settings.database_url.get_secret_value()
    from b24_pipeline.store.database import embedded

    return embedded.start(settings.b24_home)


def vault_of(settings: Settings) -> Vault:
    """The vault with the keys of B24_SECRET_KEYS, or with the embedded default's own key. Raises SecretKeyError."""
    if settings.b24_secret_keys:
        return Vault(settings.b24_secret_keys.get_secret_value())
    if settings.database_url:
        raise SecretKeyError(f"B24_SECRET_KEYS is not set, and DATABASE_URL is; {HOW_TO_MAKE}")
    return Vault(key_of_home(settings.b24_home))


def known_selection(select: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """Checks B24_SELECT and returns it: a portal ignores a misspelt field without an error. Raises SettingsError."""
    for name, fields in select.items():
        if name not in BY_NAME:
            raise SettingsError(f"B24_SELECT names the entity {name!r}; known: {', '.join(BY_NAME)}")
        known = {column.field for column in BY_NAME[name].columns} | set(BY_NAME[name].select)
        unknown = [
            field for field in fields if field not in known and not field.startswith(("UF_", "PARENT_ID_"))
        ]
        if unknown:
            raise SettingsError(f"B24_SELECT names {unknown[0]!r}, which is no field of a {name}")
    return select


def settings_of_data() -> Settings:
    """The settings of this process for what reads data: the demo's as long as the user's own database has no portal.

    A home that was given (B24_HOME) is used as it is.
    """
    given = own_settings()
    home = given.b24_home
    if given.has_home or given.database_url or not (has_database(home) and has_demo(home)):
        return settings()
    try:
        with opened(given, looks_once=True) as own:
            return given if own.portals.all() else settings_of_demo(home)
    except DatabaseError:  # whoever uses it hears why
        return given


def require_database(settings: Settings) -> None:
    """Raises UsageError where an embedded database is meant and none is there: what only looks begins none.

    It is a misspelt B24_HOME, or without that another folder than the one of the installation.
    """
    home = settings.b24_home
    if settings.database_url is None and lacks_database(home):
        elsewhere = "run it in the folder of the installation, set B24_HOME or DATABASE_URL"
        look = "check B24_HOME" if settings.has_home else elsewhere
        raise UsageError(
            f"there is no database in {home}: {look}, or begin one there with `b24 portal add NAME` or `b24 migrate`"
        )


@contextmanager
def opened(settings: Settings, *, looks_once: bool = False, without_locks: bool = False) -> Iterator[Runtime]:
    """Opens the installation, and closes it at the end of the block.

    An embedded database is migrated; another one must have been migrated by `b24 migrate`. `looks_once`: for what
    needs a connection or two. `without_locks`: for what works through a pooler of transactions, too. Raises
    DatabaseError, SettingsError and SecretKeyError.
    """
    vault = vault_of(settings)
    if settings.b24_rate_limit:
        from b24_pipeline.bitrix.budget.bucket import parse_rate

        parse_rate(settings.b24_rate_limit)
    warehouse = Warehouse(database_url(settings), looks_once=looks_once)
    try:
        if settings.database_url:
            check_migrated(warehouse)
            if not without_locks:
                warehouse.require_sessions()
        else:
            migrate(warehouse)
        storage = _budget_storage(settings.b24_budget_url)
        _application(settings)  # wrong settings are told at once, though most commands need no application
        yield Runtime(settings, warehouse, Portals(warehouse, vault), storage)
    finally:
        warehouse.close()


@contextmanager
def opened_to_read(settings: Settings) -> Iterator[Warehouse]:
    """The database for a command that reads the marts alone: it needs no secret keys, and no rights beyond the marts.

    Raises DatabaseError, and ReadingRefused where the role may not read.
    """
    if not settings.database_url:
        with opened(settings) as embedded:
            yield embedded.warehouse
        return
    warehouse = Warehouse(settings.database_url.get_secret_value())
    try:
        check_readable(warehouse)
        yield warehouse
    except InsufficientPrivilege as error:
        raise ReadingRefused(str(error).partition("\n")[0]) from None
    finally:
        warehouse.close()


def _application(settings: Settings) -> tuple[str, str] | None:
    """The id and the secret of our application, if both are set. Raises SettingsError if only one is.

    It raises SettingsError for the address of the authorization server, too.
    """
    client_id, secret = settings.bitrix24_client_id, settings.bitrix24_client_secret
    if not client_id and not secret:
        return None
    if not client_id or not secret:
        missing = "BITRIX24_CLIENT_SECRET" if client_id else "BITRIX24_CLIENT_ID"
        raise SettingsError(f"{missing} is not set; an OAuth application has both")
    try:
        parse_server(settings.bitrix24_oauth_url, settings.allowed_portals)
    except AddressRefused as error:
        raise SettingsError(f"BITRIX24_OAUTH_URL cannot be used: {error}") from None
    return client_id, secret.get_secret_value()


def oauth_app(settings: Settings) -> OAuthApp | None:
    """Our OAuth application, if BITRIX24_CLIENT_ID and _SECRET are set. Raises SettingsError if only one is."""
    application = _application(settings)
    if application is None:
        return None
    from b24_pipeline.bitrix.auth.oauth import OAuthApp

    client_id, secret = application
    return OAuthApp.of(
        client_id,
        secret,
        settings.bitrix24_oauth_url,
        settings.allowed_portals,
        settings.bitrix24_redirect_uri,
    )


def _budget_storage(url: str | None) -> LeakyBucketSupport | None:
    """The storage of the shared budget by B24_BUDGET_URL (a URL of `limits`); None means the database."""
    if not url:
        return None
    from limits.errors import ConfigurationError
    from limits.storage import storage_from_string

    from b24_pipeline.bitrix.budget.shared import LeakyBucketSupport

    try:
        storage = storage_from_string(url)
    except ConfigurationError as error:
        raise SettingsError(f"B24_BUDGET_URL cannot be used: {error}") from None
    if not isinstance(storage, LeakyBucketSupport):
        raise SettingsError(
            f"B24_BUDGET_URL: {url.partition(':')[0]} cannot hold the budget; use a PostgreSQL URL"
        )
    return storage
