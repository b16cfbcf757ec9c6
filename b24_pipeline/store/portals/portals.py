"""Connected portals: the rows of `user_accounts`, their secrets opened on demand."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import class_row

from b24_pipeline.errors import (
    PortalConflict,
    PortalDisconnected,
    SecretKeyError,
    UnknownPortal,
)
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals import application_tokens
from b24_pipeline.store.portals.account_rules import (
    account_for,
    refuse_mixing,
    require_state,
)
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.portals.portal_names import require_name, require_new_name

if TYPE_CHECKING:
    from b24_pipeline.bitrix.auth.oauth import Tokens

_sql = queries.load(__file__)
WEBHOOK_URL = "bitrix24_webhook_url"
ACCESS_TOKEN = "bitrix24_access_token"  # noqa: S105  names of columns
REFRESH_TOKEN = "bitrix24_refresh_token"  # noqa: S105
APPLICATION_TOKEN = "bitrix24_application_token"  # noqa: S105
SECRETS = (ACCESS_TOKEN, REFRESH_TOKEN, WEBHOOK_URL, APPLICATION_TOKEN)


class Portals:
    """The portals that are stored in one database."""

    def __init__(self, warehouse: Warehouse, vault: Vault) -> None:
        self._warehouse = warehouse
        self.vault = vault

    def all(self) -> list[Portal]:
        """Every portal, by name."""
        with self._warehouse.connect() as connection:
            return _read(connection)

    def named(self, names: list[str] | tuple[str, ...] = ()) -> list[Portal]:
        """These portals, or all connected ones where none is named. Raises UnknownPortal."""
        portals = {portal.name: portal for portal in self.all()}
        for name in names:
            if name not in portals:
                raise UnknownPortal(name, portals)
        if names:
            return [portals[name] for name in dict.fromkeys(names)]
        return [portal for portal in portals.values() if portal.status == "connected"]

    def one(self, name: str) -> Portal:
        """The portal of this name. Raises UnknownPortal."""
        return self.named([name])[0]

    def by_member(self, member_id: str) -> Portal | None:
        """The portal with this identity, connected or not."""
        return next((portal for portal in self.all() if portal.member_id == member_id), None)

    def add_webhook(
        self,
        name: str,
        domain: str,
        url: str,
        *,
        entity_type: str,
        plan: str,
        user_id: int,
        time_zone: str,
        moved: bool = False,
        application_token: str | None = None,
    ) -> Portal:
        """Connects a portal by its webhook credential, or renews the credential of a known one.

        `moved`: it is the same portal at a new address. `application_token` proves the events of an outgoing webhook.
        Raises PortalConflict where the data of two portals would be mixed, or those of one doubled.
        """
        with self._warehouse.connect() as connection:
            known = {portal.name: portal for portal in _read(connection)}
            refuse_mixing(known, name, domain, moved=moved)
            account = known[name].id if name in known else uuid4()
            if application_token:  # who gives another token wants the former one refused
                application_tokens.forget(connection, account)
            _sql.save_webhook(
                connection,
                id=account,
                name=name,
                domain=domain,
                webhook_url=self.vault.lock(account, WEBHOOK_URL, url),
                application_token=self._locked(account, APPLICATION_TOKEN, application_token),
                entity_type=entity_type,
                plan=plan,
                user_id=user_id,
                time_zone=time_zone,
            )
            return _of(connection, account)

    def save_oauth(
        self,
        name: str,
        tokens: Tokens,
        *,
        entity_type: str,
        plan: str,
        time_zone: str,
        user_is_admin: bool | None = None,
        application_token: str | None = None,
        state: str | None = None,
    ) -> Portal:
        """Connects a portal by OAuth, or connects a known one again; one `member_id` has one account.

        `state`: how the account must still stand (`state_of`), None for any. Raises InvitationOver where it does not,
        and PortalConflict where the name is another portal's, or the portal has another name.
        """
        domain = tokens.address.written
        try:
            with self._warehouse.connect() as connection:
                _sql.hold_account(connection, name=name)
                known = _read(connection)
                require_state(name, _state(connection, known, name), state)
                account = account_for(known, name, domain, tokens.member_id)
                if application_token:
                    self._keep_token(connection, account)
                _sql.save_oauth(
                    connection,
                    id=account,
                    name=name,
                    domain=domain,
                    member_id=tokens.member_id,
                    access_token=self.vault.lock(account, ACCESS_TOKEN, tokens.access_token),
                    refresh_token=self.vault.lock(account, REFRESH_TOKEN, tokens.refresh_token),
                    expires_at=tokens.expires_at,
                    user_id=tokens.user_id,
                    user_is_admin=user_is_admin,
                    application_token=self._locked(account, APPLICATION_TOKEN, application_token),
                    entity_type=entity_type,
                    plan=plan,
                    time_zone=time_zone,
                )
                return _of(connection, account)
        except psycopg.errors.UniqueViolation:  # another process was faster
            raise PortalConflict(f"{name} or {domain} has just been connected by another process") from None

    def state_of(self, name: str) -> str:
        """How the account of this name stands: another text after each connection, disconnect and purge."""
        with self._warehouse.connect() as connection:
            return _state(connection, _read(connection), name)

    def may_connect(self, name: str, domain: str) -> None:
        """Checks that a portal can be connected under this name. Raises UsageError and PortalConflict."""
        require_name(name)
        known = {portal.name: portal for portal in self.all()}
        if name not in known:
            require_new_name(name)
        elif known[name].member_id:
            return  # the same portal may have moved: its identity decides when it answers
        refuse_mixing(known, name, domain, moved=False)

    def application_token(self, portal: Portal) -> str | None:
        """The token that proves the portal's events; None where it is not known yet."""
        if portal.locked_application_token is None:
            return None
        return self._opened(portal, APPLICATION_TOKEN, portal.locked_application_token)

    def knows_application_token(self, portal: Portal, token: str) -> bool:
        """Whether this token proves the portal's events already."""
        told = self.application_token(portal)
        if told is not None and hmac.compare_digest(told.encode(), token.encode()):
            return True
        with self._warehouse.connect() as connection:
            return application_tokens.is_known(connection, portal.id, token)

    def learn_application_token(self, portal: Portal, token: str) -> None:
        """Stores a token that an event of the portal has brought and proved; those that are known stay."""
        with self._warehouse.connect() as connection:
            application_tokens.learn(connection, portal.id, token, "event")
            locked = self.vault.lock(portal.id, APPLICATION_TOKEN, token)
            _sql.set_first_application_token(connection, id=portal.id, application_token=locked)

    def _keep_token(self, connection: psycopg.Connection, account: UUID) -> None:
        """Keeps the token that another one is about to replace: events that come with it are the portal's still."""
        portal = next((known for known in _read(connection) if known.id == account), None)
        if portal is None:
            return
        try:
            told = self.application_token(portal)
        except SecretKeyError:
            return  # no key opens it, so it proves nothing
        if told:
            application_tokens.learn(connection, account, told, "installation")

    def set_status(self, portal: Portal, status: str, reason: str | None = None) -> None:
        """Sets the portal's status, and the reason in one line without secrets."""
        with self._warehouse.connect() as connection:
            _sql.set_status(connection, id=portal.id, status=status, reason=reason)

    def application_removed(self, portal: Portal) -> None:
        """Forgets the tokens of a portal from which our application was removed."""
        with self._warehouse.connect() as connection:
            application_tokens.application_removed(connection, portal.id)

    def note_admin(self, portal: Portal, *, is_admin: bool) -> None:
        """Notes whether the owner of the portal's credential is an administrator of it."""
        with self._warehouse.connect() as connection:
            _sql.note_admin(connection, id=portal.id, is_admin=is_admin)

    def set_domain(self, portal: Portal, domain: str) -> None:
        """Stores the new address of a portal that has moved."""
        with self._warehouse.connect() as connection:
            _sql.set_domain(connection, id=portal.id, domain=domain)

    def set_entity_type(self, portal: Portal, entity_type: str) -> None:
        """Sets what is counted as the portal's funnel: lead, deal or both."""
        with self._warehouse.connect() as connection:
            _sql.set_entity_type(connection, id=portal.id, entity_type=entity_type)

    def disconnect(self, portal: Portal) -> None:
        """Forgets every secret at once; the data stays."""
        with self._warehouse.connect() as connection:
            application_tokens.forget(connection, portal.id)
            _sql.disconnect(connection, id=portal.id)

    def renew_keys(self) -> int:
        """Encrypts every secret again, with the newest key; returns how many. Raises SecretKeyError."""
        return sum(self._renew_keys(portal) for portal in self.all())

    def _renew_keys(self, portal: Portal) -> int:
        with self._warehouse.connect() as connection:
            held = _sql.hold_secrets(connection, id=portal.id) or [None] * len(SECRETS)
            locked = dict(zip(SECRETS, held, strict=True))
            opened = {column: self._opened(portal, column, text) for column, text in locked.items() if text}
            again = {column: self.vault.lock(portal.id, column, text) for column, text in opened.items()}
            names = {column.removeprefix("bitrix24_"): again.get(column) for column in SECRETS}
            _sql.write_secrets(connection, id=portal.id, **names)
            return len(again)

    def unopened(self) -> Iterator[str]:
        """A line for each portal of which a secret is opened by no key of ours."""
        for portal in self.all():
            with self._warehouse.connect() as connection:
                held = _sql.secrets(connection, id=portal.id) or [None] * len(SECRETS)
            try:
                for column, text in zip(SECRETS, held, strict=True):
                    if text:
                        self._opened(portal, column, text)
            except SecretKeyError as error:
                yield str(error)

    def _locked(self, account: UUID, column: str, secret: str | None) -> str | None:
        return self.vault.lock(account, column, secret) if secret else None

    def _opened(self, portal: Portal, column: str, locked: str) -> str:
        try:
            return self.vault.open(portal.id, column, locked)
        except SecretKeyError as error:
            raise SecretKeyError(f"{portal.name}: {error}") from None

    def webhook_url(self, portal: Portal) -> str:
        """The portal's webhook credential in clear. Raises PortalDisconnected where it has none."""
        if portal.locked_webhook_url is None:
            raise PortalDisconnected(portal.name)
        return self._opened(portal, WEBHOOK_URL, portal.locked_webhook_url)

    def remove(self, name: str, *, purge: bool) -> None:
        """Forgets the credential; with `purge` deletes the portal's data too."""
        from b24_pipeline.store.marts.custom_fields import drop_views  # jinja2 is not needed to read portals

        portal = self.one(name)
        if not purge:
            self.disconnect(portal)
            return
        with self._warehouse.connect() as connection:
            drop_views(connection, portal.id)
            _sql.purge(connection, id=portal.id)


def _state(connection: psycopg.Connection, known: Iterable[Portal], name: str) -> str:
    found = next((portal.state for portal in known if portal.name == name), None)
    return found if found is not None else str(_sql.purged_at(connection, name=name) or "")


def _of(connection: psycopg.Connection, account: UUID) -> Portal:
    return next(portal for portal in _read(connection) if portal.id == account)


def _read(connection: psycopg.Connection) -> list[Portal]:
    with connection.cursor(row_factory=class_row(Portal)) as cursor:
        return cursor.execute(_sql.portals.sql).fetchall()
