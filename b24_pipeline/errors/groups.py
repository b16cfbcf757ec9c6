"""Groups of errors that are handled alike: one page, so that no two modules keep the same list.

`except` and `isinstance` take a group as it is.
"""

from __future__ import annotations

from b24_pipeline.errors.api import (
    AccessDenied,
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
from b24_pipeline.errors.base import DatabaseUnavailable
from b24_pipeline.errors.portal import (
    AddressRefused,
    BindingRefused,
    BudgetExhausted,
    CertificateRefused,
    InstallUnproved,
    InvitationRefused,
    NotAdministrator,
    OtherBrowser,
    OtherPortal,
    PortalDisconnected,
    PortalMoved,
    PortalPaused,
    PortalTimeout,
    PortalUnreachable,
    ReauthorizationRequired,
    StateForged,
    SyncBusy,
    UnreadableAnswer,
    VisitRefused,
    WorkStopped,
)
from b24_pipeline.errors.usage import PortalConflict

STOPS_PORTAL = (
    AddressRefused,
    ApplicationRefused,
    AppRemoved,
    AuthorizationRefused,
    CertificateRefused,
    CredentialRefused,
    OtherPortal,
    Overloaded,
    PaymentRequired,
    PortalDeleted,
    PortalMoved,
    PortalUnreachable,
    ReauthorizationRequired,
    TokenExpired,
    WorkStopped,
)
"""After one of these no other entity of the portal can be read either."""

PASSING = (RequestLimit, OperatingLimit, ServerFault, TokenExpired)
"""These may pass when the same command is sent again."""

TOO_HEAVY = (PortalTimeout, ServerFault, UnreadableAnswer)
"""A smaller batch may work where one of these came (trap 30 of docs/bitrix24-rest.md)."""

REFUSES_PORTAL = (*STOPS_PORTAL, RequestLimit, OperatingLimit)
"""The portal's answer to every command just now, whichever object is asked for."""

REFUSES_ENTITY = (AccessDenied, ConfirmationPending, MethodNotFound, ScopeMissing)
"""The portal's answer to every object of one entity."""

NOT_TOLD = (*REFUSES_ENTITY, ObjectNotFound, InvalidArgument)
"""The portal does not have what was asked for, or does not show it to the credential's user; it will not pass."""

REFUSES_EVERY_COMMAND = (*REFUSES_PORTAL, *REFUSES_ENTITY)
"""The portal's answer to every command of one method: asking for other objects changes nothing."""

RETRY_MAY_HELP = (
    BudgetExhausted,
    DatabaseUnavailable,
    OperatingLimit,
    PortalUnreachable,
    RequestLimit,
    ServerFault,
    SyncBusy,
    TokenExpired,
    UnreadableAnswer,
)
"""A whole step of a run may work when it is tried again in a minute."""

NEEDS_A_PERSON = (
    AccessDenied,
    ApplicationRefused,
    AppRemoved,
    BindingRefused,
    ConfirmationPending,
    CredentialRefused,
    PaymentRequired,
    PortalConflict,
    PortalDeleted,
    PortalDisconnected,
    PortalMoved,
    PortalPaused,
    ReauthorizationRequired,
    ScopeMissing,
)
"""A person has to mend something before it can work: asking again does not help."""

FORGED = (
    InstallUnproved,
    InvitationRefused,
    NotAdministrator,
    OtherBrowser,
    OtherPortal,
    StateForged,
    VisitRefused,
)
"""An authorization that comes from somebody else than the one who may give it."""
