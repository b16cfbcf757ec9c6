"""Every exception that the package raises.

B24Error
├── UsageError                  the user asked for something that does not exist or fit (exit 2)
│   ├── UnknownPortal
│   ├── UnknownEntity
│   ├── UnknownStage
│   ├── UnknownDirection
│   ├── UnknownCreative
│   ├── DirectionExists         a name that is taken already
│   ├── FlagsContradict
│   ├── WrongDates
│   ├── EntityTypeNotCounted    leads or deals are asked for, and the portal counts only the other
│   ├── ConditionRefused        a condition of qualification that does not fit the portal's fields
│   ├── PortalConflict          a name, address or portal that is taken already
│   ├── AccountNeeded           several portals are connected: say which
│   ├── UnknownMart
│   ├── UnknownRole
│   ├── NoCustomFields          a portal without views of custom fields yet
│   ├── RoleReadsMore           an analyst's role that could read more than the marts
│   ├── RolesNotOurs            the database does not let us make roles
│   ├── KeyRefused              a management call without the right key
│   └── TooOften                asked more often than people do
├── SettingsError               a setting is missing or cannot be used
│   └── SecretKeyError
├── DatabaseError
│   ├── DatabaseUnavailable
│   ├── DatabaseBusy            others held what we need for too long
│   ├── ReadingRefused          the role may not read what was asked for
│   ├── DatabaseTooOld
│   ├── DatabaseNotMigrated
│   └── DatabaseTooNew
├── LeadFileRefused             a file of own leads is none
├── ModelError                  an SQL model or its test
├── MalformedEvent              an inbound event that no portal sends
└── PortalError                 something between us and one portal
    ├── AddressRefused          refused before any connection
    ├── PortalUnreachable       no connection, or it broke
    │   └── PortalTimeout       no answer in time
    ├── CertificateRefused      its TLS certificate cannot be trusted: never repeated
    ├── PortalMoved             answered with a redirect: the address has changed
    ├── UnreadableAnswer        HTML, empty or cut JSON where JSON was expected
    ├── BudgetExhausted         the portal's budget stayed empty for too long
    ├── ListDidNotAdvance       a page repeated what was read already
    ├── SyncBusy                another process syncs this portal and entity
    ├── TooManyVanished         more rows are missing than a person would have deleted
    ├── BindingRefused          the portal did not take some of our event handlers
    ├── ReauthorizationRequired its tokens are worth nothing any more: a person must connect it again
    ├── ConnectingFailed        an authorization was begun and cannot be finished
    │   ├── StateForged         the state was not made by us, or was cut
    │   ├── StateExpired        begun too long ago
    │   ├── StateUsed           it came back before
    │   ├── AccessNotGiven      nobody allowed it in the portal
    │   ├── OtherBrowser        another browser began it, or cookies are off
    │   ├── OtherPortal         another portal answered than the one asked for
    │   └── InstallUnproved     the authorization server does not confirm an installation
    └── ApiError                the portal answered with an error code
        ├── RequestLimit        bucket full: wait and repeat
        ├── OperatingLimit      time budget of one method used up: wait until its reset
        ├── Overloaded          blocked by hand: stop
        ├── TokenExpired        refresh the access token once
        ├── AuthorizationRefused  invalid_grant: the code or refresh token is wrong, used or expired
        ├── ApplicationRefused  the authorization server does not know our application
        ├── ServerFault         repeat reads a few times
        ├── CredentialRefused   wrong or revoked credential, or its user was dismissed
        ├── ScopeMissing        the credential does not cover this method
        ├── AccessDenied        the user or the plan may not do this
        ├── PaymentRequired     the portal's subscription has ended
        ├── AppRemoved          the application is not installed any more
        ├── PortalDeleted       the portal was closed
        ├── ConfirmationPending an administrator has to confirm this method
        ├── MethodNotFound
        ├── ObjectNotFound
        └── InvalidArgument

A message is one line for a person: which portal, what was expected, what
came, what to do next. It never holds a secret nor a row's text.
"""

from __future__ import annotations

from collections.abc import Iterable


class B24Error(Exception):
    """Anything that we can explain in one line."""


class UsageError(B24Error):
    """The call itself is wrong; nothing was tried."""


class UnknownPortal(UsageError):
    """There is no portal of this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = ", ".join(sorted(known)) or "none yet: add one with `b24 portal add`"
        super().__init__(f"no portal is called {name!r}; connected: {names}")


class UnknownEntity(UsageError):
    """There is no entity of this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"no entity is called {name!r}; known: {', '.join(known)}")


class UnknownStage(UsageError):
    """The portal has no such stage, or has deleted it."""

    def __init__(self, stage: object) -> None:
        super().__init__(f"the portal has no stage {stage}; /bitrix24/pipelines lists them")


class UnknownDirection(UsageError):
    """The account has no such direction."""

    def __init__(self, direction: object) -> None:
        super().__init__(f"the account has no direction {direction}; /bitrix24/directions lists them")


class UnknownCreative(UsageError):
    """The account has no such creative."""

    def __init__(self, creative: object) -> None:
        super().__init__(f"the account has no creative {creative}; /bitrix24/creatives lists them")


class DirectionExists(UsageError):
    """The account has a direction of this name."""

    def __init__(self) -> None:
        super().__init__("the account has a direction of this name; /bitrix24/directions lists them")


class FlagsContradict(UsageError):
    """A stage cannot count as won and as lost."""

    def __init__(self) -> None:
        super().__init__(
            "the stage would count as won and as lost at once; take one flag back in the same call"
        )


class UnknownMart(UsageError):
    """There is no mart of this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"no mart is called {name!r}; known: {', '.join(sorted(known))}")


class UnknownRole(UsageError):
    """The database has no such role, or it is no analyst's."""


class NoCustomFields(UsageError):
    """A portal has no views of custom fields: there is none of this name, or it was never synced."""

    def __init__(self, portal: str) -> None:
        super().__init__(f"{portal!r} has no views of custom fields; sync it first: b24 sync {portal}")


class RoleReadsMore(UsageError):
    """An analyst's role could read tables of ours that are not for analysts."""

    def __init__(self, role: str, relation: str) -> None:
        super().__init__(
            f"the role {role} can read {relation} too: it is a superuser, a member of another role, or was "
            "granted it; nothing was changed; take that right away or choose another role"
        )


class RolesNotOurs(UsageError):
    """The role of DATABASE_URL may not create roles."""

    def __init__(self, role: str) -> None:
        super().__init__(
            "the role of DATABASE_URL may not create roles; let an administrator run "
            f"`create role {role} login password '...'`, then run this again without --create-login"
        )


class ConditionRefused(UsageError):
    """A condition of qualification cannot be read, or does not fit the portal's fields."""


class WrongDates(UsageError):
    """A date cannot be read, or a range ends before it begins."""


class EntityTypeNotCounted(UsageError):
    """Leads or deals are asked for, and the portal's setting says to count only the other."""

    def __init__(self, portal: str, wanted: str, counted: str) -> None:
        super().__init__(
            f"{portal}: {wanted} was asked for, and only {counted} is counted; "
            "change it by POST /bitrix24/entity-type"
        )


class PortalConflict(UsageError):
    """The name belongs to another portal, or the portal is connected under another name."""


class AccountNeeded(UsageError):
    """Which portal is meant cannot be told."""

    def __init__(self) -> None:
        super().__init__("several portals are connected: say which by `account`, the portal's name")


class KeyRefused(UsageError):
    """A management call came without the right key."""


class TooOften(UsageError):
    """The same was asked more often than people do."""


class SettingsError(B24Error):
    """A setting is missing or cannot be used; the message names it."""


class SecretKeyError(SettingsError):
    """B24_SECRET_KEYS is missing, malformed, or does not open what is stored."""


class DatabaseError(B24Error):
    """Something is wrong between us and PostgreSQL."""


class DatabaseUnavailable(DatabaseError):
    """PostgreSQL does not answer, or refuses us."""


class DatabaseBusy(DatabaseError):
    """Other transactions held what we need for too long."""


class ReadingRefused(DatabaseError):
    """The role of the connection may not read what was asked for."""

    def __init__(self, said: str) -> None:
        super().__init__(f"{said}; the installation's owner can grant it: b24 analysts grant ROLE")


class DatabaseTooOld(DatabaseError):
    """PostgreSQL is older than the oldest version that we support (15)."""


class DatabaseNotMigrated(DatabaseError):
    """Our tables are missing or of an older version: `b24 migrate`."""


class DatabaseTooNew(DatabaseError):
    """A newer version of this program has migrated the database."""


class LeadFileRefused(B24Error):
    """The file of own leads cannot be read, or has no header that we know; nothing of it was stored."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")


class ModelError(B24Error):
    """An SQL model cannot be read or built, or one of its tests of severity error failed."""


class MalformedEvent(B24Error):
    """The body of an inbound event cannot be read, or lacks what every event has. The message quotes nothing of it."""


class PortalError(B24Error):
    """Something is wrong between us and one portal.

    `portal` is its name or, before it has one, its host.
    """

    def __init__(self, portal: str, message: str) -> None:
        super().__init__(f"{portal}: {message}")
        self.portal = portal


class AddressRefused(PortalError):
    """The address is not one that we connect to."""


class PortalUnreachable(PortalError):
    """The portal could not be reached, or did not answer in time."""


class PortalTimeout(PortalUnreachable):
    """The portal took the request, and did not answer in time."""


class CertificateRefused(PortalError):
    """The portal's TLS certificate is expired, of another host, or of an unknown authority."""


class BudgetExhausted(PortalError):
    """No request could be sent within the longest time that we wait for the budget."""


class PortalMoved(PortalError):
    """The portal answered with a redirect to another address.

    `location` is its origin as the answer gave it, not judged yet.
    """

    def __init__(self, portal: str, location_host: str, location: str = "") -> None:
        super().__init__(
            portal,
            f"has moved to {location_host or 'an unnamed address'}; "
            "connect it there with `b24 portal add NAME --moved --webhook-url URL`",
        )
        self.location_host = location_host
        self.location = location


class UnreadableAnswer(PortalError):
    """The answer was no JSON of the expected shape."""


class ListDidNotAdvance(PortalError):
    """A page repeated ids that were read already; going on would never end."""


class SyncBusy(PortalError):
    """Another process is syncing this portal and entity."""


class TooManyVanished(PortalError):
    """More rows are missing than deletions explain; lost rights look the same."""


class BindingRefused(PortalError):
    """The portal did not take some of our event handlers."""


class ReauthorizationRequired(PortalError):
    """The portal's tokens are worth nothing any more; asking again would not mend it."""

    def __init__(self, portal: str, reason: str) -> None:
        super().__init__(portal, f"{reason}; connect it again with `b24 portal connect`")


class PortalDisconnected(PortalError):
    """Somebody has disconnected the portal; its data are here, but nothing can be asked."""

    def __init__(self, portal: str) -> None:
        super().__init__(
            portal,
            "it is disconnected: there is no webhook credential and no OAuth token; "
            "connect it with `b24 portal add` or `b24 portal connect`",
        )


class ConnectingFailed(PortalError):
    """An authorization cannot be finished; nothing was stored. Its subclasses say why."""


class AccessNotGiven(ConnectingFailed):
    """The person did not allow the access in the portal."""


class StateForged(ConnectingFailed):
    """The state was not made by us."""


class StateExpired(ConnectingFailed):
    """The authorization was begun too long ago."""


class StateUsed(ConnectingFailed):
    """The authorization has come back before."""


class OtherBrowser(ConnectingFailed):
    """The authorization was begun in another browser."""


class OtherPortal(ConnectingFailed):
    """Another portal answered than the one that was asked for."""


class InstallUnproved(ConnectingFailed):
    """The authorization server does not confirm what an installation says of itself."""


class ApiError(PortalError):
    """The portal answered with an error code.

    `code` is the portal's code in upper case, `status` the HTTP status (200
    inside a batch), `method` the REST method.
    """

    advice = ""

    def __init__(self, portal: str, method: str, code: str, description: str, status: int) -> None:
        said = " ".join(part for part in (code, description) if part) or "an error without a code"
        advice = f"; {self.advice}" if self.advice else ""
        super().__init__(portal, f"{method} was refused: {said} (HTTP {status}){advice}")
        self.method = method
        self.code = code
        self.description = description
        self.status = status


class RequestLimit(ApiError):
    """QUERY_LIMIT_EXCEEDED: the portal's request bucket is full."""


class OperatingLimit(ApiError):
    """OPERATION_TIME_LIMIT: one method has used up its run time of ten minutes."""


class Overloaded(ApiError):
    """OVERLOAD_LIMIT: Bitrix24 has blocked REST for this portal by hand."""

    advice = "Bitrix24 has blocked this portal's REST by hand: ask its support"


class TokenExpired(ApiError):
    """expired_token or invalid_token: the access token is over."""


class AuthorizationRefused(ApiError):
    """invalid_grant: the code or refresh token is wrong, was used before, or is too old."""

    advice = "connect the portal again with `b24 portal connect`"


class ApplicationRefused(ApiError):
    """The authorization server does not know our application, or not in this portal."""

    advice = "check BITRIX24_CLIENT_ID and BITRIX24_CLIENT_SECRET, and that the application is installed in the portal"


class ServerFault(ApiError):
    """A fault inside the portal; reads may be repeated."""


class CredentialRefused(ApiError):
    """The credential is wrong or revoked, or its owner was dismissed."""

    advice = "check the webhook credential in the portal, then run `b24 portal add` again"


class ScopeMissing(ApiError):
    """The credential does not cover this method."""

    advice = "tick the scopes crm and user for this credential in the portal"


class AccessDenied(ApiError):
    """The credential's user, or the portal's plan, may not do this."""

    advice = "the credential's owner needs the right to it, and the plan must include REST"


class PaymentRequired(ApiError):
    """The portal's plan or the Market subscription has ended."""

    advice = "renew the portal's subscription"


class AppRemoved(ApiError):
    """The application is not installed in the portal any more."""

    advice = "install the application again"


class PortalDeleted(ApiError):
    """The portal was closed, perhaps for a time."""

    advice = "the portal is closed; pause it or remove it"


class ConfirmationPending(ApiError):
    """An administrator of the portal has to confirm this method."""

    advice = "an administrator has to confirm it in the portal"


class MethodNotFound(ApiError):
    """The portal has no such method."""


class ObjectNotFound(ApiError):
    """The portal has no such object."""


class InvalidArgument(ApiError):
    """The portal does not accept an argument."""
