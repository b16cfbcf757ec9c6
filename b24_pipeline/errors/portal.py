"""Errors between us and one portal."""

from __future__ import annotations

from b24_pipeline.errors.base import B24Error


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
            "connect it there with `b24 portal add NAME --moved`",
        )
        self.location_host = location_host
        self.location = location


class WorkStopped(PortalError):
    """The work on the portal was stopped from outside, by an interrupt or a failure of the run."""


class UnreadableAnswer(PortalError):
    """The answer was no JSON of the expected shape."""


class ListDidNotAdvance(PortalError):
    """A page repeated ids that were read already; going on would never end."""


class SyncBusy(PortalError):
    """Another process is syncing this portal and entity."""


class TooManyVanished(PortalError):
    """More rows are missing than deletions explain; lost rights look the same."""


class EntityNotChosen(PortalError):
    """An entity was asked for by its name that is not read of this portal."""

    def __init__(self, portal: str, entity: str) -> None:
        super().__init__(
            portal,
            f"{entity} is not read of it; choose it with `b24 portal entities {portal} --add {entity}`",
        )


class EntityRefused(PortalError):
    """An entity was to be chosen that the portal does not have, or does not show to the credential's owner.

    `refused`: the portal's answer, and `advice`: what may be done about it; "" where nobody but the portal can.
    """

    def __init__(self, portal: str, entity: str, refused: str, advice: str) -> None:
        todo = (
            "then choose it again" if advice else f"`b24 portal entities {portal}` tells what the portal has"
        )
        super().__init__(portal, f"{entity} cannot be read, so it was not chosen: {refused}; {todo}")


class BindingRefused(PortalError):
    """The portal did not take some of our event handlers."""


class ReauthorizationRequired(PortalError):
    """The portal's tokens are worth nothing any more; asking again would not mend it."""

    def __init__(self, portal: str, reason: str) -> None:
        super().__init__(portal, f"{reason}; connect it again with `b24 portal connect`")


class PortalDisconnected(PortalError):
    """Somebody has disconnected the portal; its data stay, but the portal cannot be asked."""

    def __init__(self, portal: str) -> None:
        super().__init__(
            portal,
            "it is disconnected: there is no webhook credential and no OAuth token; "
            "connect it with `b24 portal add` or `b24 portal connect`",
        )


class PortalPaused(PortalError):
    """A person has paused the portal; nothing is asked of it until a person lets it go on."""

    def __init__(self, portal: str) -> None:
        super().__init__(portal, f"a person has paused it; `b24 portal resume {portal}` lets it go on")


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


class VisitRefused(ConnectingFailed):
    """Our page inside a portal was opened, and the portal does not confirm by whom."""


class InvitationRefused(ConnectingFailed):
    """A connection was to be started without an invitation of ours, or with one for something else."""


class InvitationOver(ConnectingFailed):
    """The invitation is too old, or the portal was connected or disconnected since it was made."""


class NotAdministrator(ConnectingFailed):
    """A user with fewer rights would take the place of an administrator."""
