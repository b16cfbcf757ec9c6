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
│   ├── NoFigures               the models were not built yet
│   ├── NoCustomFields          a portal without views of custom fields yet
│   ├── RoleReadsMore           an analyst's role that could read more than the marts
│   ├── RolesNotOurs            the database does not let us make roles
│   ├── KeyRefused              a management call without the right key
│   ├── RoleTooLow              a key whose role or portals do not allow it
│   ├── ForeignForm             a form that none of our pages sent
│   ├── NotProtected            signing in where others could read the key on its way
│   ├── KeyNameTaken
│   ├── UnknownKey
│   └── TooOften                asked more often than people do
├── SettingsError               a setting is missing or cannot be used
│   ├── SecretKeyError
│   └── OnlyReadsMarts          a role of an analyst, for a command that works with more than the marts
├── BrokerUnreachable           what hands runs to workers does not answer, or refuses us
├── DatabaseError
│   ├── DatabaseUnavailable
│   ├── DatabaseBusy            others held what we need for too long
│   ├── ReadingRefused          the role may not read what was asked for
│   ├── DatabaseTooOld
│   ├── DatabaseReadOnly        a standby, or a role that only reads
│   ├── PoolerInTheWay          it keeps no session, and locks need one
│   ├── DatabaseNotMigrated
│   └── DatabaseTooNew
├── LeadFileRefused             a file of own leads is none
├── ModelError                  an SQL model or its test
├── InternalError               a fault of this program
├── MalformedEvent              an inbound event that no portal sends
└── PortalError                 something between us and one portal
    ├── AddressRefused          refused before any connection
    ├── PortalUnreachable       no connection, or it broke
    │   └── PortalTimeout       no answer in time
    ├── CertificateRefused      its TLS certificate cannot be trusted: never repeated
    ├── PortalMoved             answered with a redirect: the address has changed
    ├── WorkStopped             an interrupt, or a failure of the run, ended the work on it
    ├── UnreadableAnswer        HTML, empty or cut JSON where JSON was expected
    ├── BudgetExhausted         the portal's budget stayed empty for too long
    ├── ListDidNotAdvance       a page repeated what was read already
    ├── SyncBusy                another process syncs this portal and entity
    ├── TooManyVanished         more rows are missing than a person would have deleted
    ├── EntityNotChosen         an entity was named that is not read of this portal
    ├── EntityRefused           an entity was to be chosen that the portal does not have or show
    ├── BindingRefused          the portal did not take some of our event handlers
    ├── PortalDisconnected      somebody has disconnected it: nothing can be asked
    ├── PortalPaused            a person has paused it: nothing is asked until a person lets it go on
    ├── ReauthorizationRequired its tokens are worth nothing any more: a person must connect it again
    ├── ConnectingFailed        an authorization was begun and cannot be finished
    │   ├── StateForged         the state was not made by us, or was cut
    │   ├── StateExpired        begun too long ago
    │   ├── StateUsed           it came back before
    │   ├── AccessNotGiven      nobody allowed it in the portal
    │   ├── OtherBrowser        another browser began it, or cookies are off
    │   ├── VisitRefused        a portal does not confirm who opened our page in it
    │   ├── OtherPortal         another portal answered than the one asked for
    │   ├── InvitationRefused   nobody who may has invited to this connection
    │   ├── InvitationOver      the invitation is too old, or was used
    │   ├── NotAdministrator    a user with fewer rights would take an administrator's place
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

from b24_pipeline.errors.api import (
    AccessDenied,
    ApiError,
    ApplicationRefused,
    AppRemoved,
    AuthorizationRefused,
    ConfirmationPending,
    CredentialRefused,
    InvalidArgument,
    MethodNotFound,
    ObjectNotFound,
    OperatingLimit,
    Overloaded,
    PaymentRequired,
    PortalDeleted,
    RequestLimit,
    ScopeMissing,
    ServerFault,
    TokenExpired,
)
from b24_pipeline.errors.base import (
    B24Error,
    BrokerUnreachable,
    DatabaseBusy,
    DatabaseError,
    DatabaseNotMigrated,
    DatabaseReadOnly,
    DatabaseTooNew,
    DatabaseTooOld,
    DatabaseUnavailable,
    InternalError,
    LeadFileRefused,
    MalformedEvent,
    ModelError,
    OnlyReadsMarts,
    PoolerInTheWay,
    ReadingRefused,
    SecretKeyError,
    SettingsError,
)
from b24_pipeline.errors.portal import (
    AccessNotGiven,
    AddressRefused,
    BindingRefused,
    BudgetExhausted,
    CertificateRefused,
    ConnectingFailed,
    EntityNotChosen,
    EntityRefused,
    InstallUnproved,
    InvitationOver,
    InvitationRefused,
    ListDidNotAdvance,
    NotAdministrator,
    OtherBrowser,
    OtherPortal,
    PortalDisconnected,
    PortalError,
    PortalMoved,
    PortalPaused,
    PortalTimeout,
    PortalUnreachable,
    ReauthorizationRequired,
    StateExpired,
    StateForged,
    StateUsed,
    SyncBusy,
    TooManyVanished,
    UnreadableAnswer,
    VisitRefused,
    WorkStopped,
)
from b24_pipeline.errors.usage import (
    AccountNeeded,
    ConditionRefused,
    DirectionExists,
    EntityTypeNotCounted,
    FlagsContradict,
    ForeignForm,
    KeyNameTaken,
    KeyRefused,
    NoCustomFields,
    NoFigures,
    NotProtected,
    PortalConflict,
    RoleReadsMore,
    RolesNotOurs,
    RoleTooLow,
    TooOften,
    UnknownCreative,
    UnknownDirection,
    UnknownEntity,
    UnknownKey,
    UnknownMart,
    UnknownPortal,
    UnknownRole,
    UnknownStage,
    UsageError,
    WrongDates,
)

__all__ = [
    "AccessDenied",
    "AccessNotGiven",
    "AccountNeeded",
    "AddressRefused",
    "ApiError",
    "AppRemoved",
    "ApplicationRefused",
    "AuthorizationRefused",
    "B24Error",
    "BindingRefused",
    "BrokerUnreachable",
    "BudgetExhausted",
    "CertificateRefused",
    "ConditionRefused",
    "ConfirmationPending",
    "ConnectingFailed",
    "CredentialRefused",
    "DatabaseBusy",
    "DatabaseError",
    "DatabaseNotMigrated",
    "DatabaseReadOnly",
    "DatabaseTooNew",
    "DatabaseTooOld",
    "DatabaseUnavailable",
    "DirectionExists",
    "EntityNotChosen",
    "EntityRefused",
    "EntityTypeNotCounted",
    "FlagsContradict",
    "ForeignForm",
    "InstallUnproved",
    "InternalError",
    "InvalidArgument",
    "InvitationOver",
    "InvitationRefused",
    "KeyNameTaken",
    "KeyRefused",
    "LeadFileRefused",
    "ListDidNotAdvance",
    "MalformedEvent",
    "MethodNotFound",
    "ModelError",
    "NoCustomFields",
    "NoFigures",
    "NotAdministrator",
    "NotProtected",
    "ObjectNotFound",
    "OnlyReadsMarts",
    "OperatingLimit",
    "OtherBrowser",
    "OtherPortal",
    "Overloaded",
    "PaymentRequired",
    "PoolerInTheWay",
    "PortalConflict",
    "PortalDeleted",
    "PortalDisconnected",
    "PortalError",
    "PortalMoved",
    "PortalPaused",
    "PortalTimeout",
    "PortalUnreachable",
    "ReadingRefused",
    "ReauthorizationRequired",
    "RequestLimit",
    "RoleReadsMore",
    "RoleTooLow",
    "RolesNotOurs",
    "ScopeMissing",
    "SecretKeyError",
    "ServerFault",
    "SettingsError",
    "StateExpired",
    "StateForged",
    "StateUsed",
    "SyncBusy",
    "TokenExpired",
    "TooManyVanished",
    "TooOften",
    "UnknownCreative",
    "UnknownDirection",
    "UnknownEntity",
    "UnknownKey",
    "UnknownMart",
    "UnknownPortal",
    "UnknownRole",
    "UnknownStage",
    "UnreadableAnswer",
    "UsageError",
    "VisitRefused",
    "WorkStopped",
    "WrongDates",
]
