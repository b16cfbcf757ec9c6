"""Invitations: by them somebody else than the operator may start the connection of one portal.

An invitation is a signed text: account, portal, funnel, and how the account stood when it was made. So it is good for
one connection, and worth nothing once the operator has disconnected the portal.
"""

from __future__ import annotations

from itsdangerous import BadSignature, SignatureExpired

from b24_pipeline.errors import InvitationOver, InvitationRefused
from b24_pipeline.store.portals.oauth_states import Begun
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.sync.portals.oauth_state import signer_of

INVITATION_SECONDS = 86_400
_WHAT = "this connection"


class Invitations:
    """Makes and reads the invitations of one installation."""

    def __init__(self, portals: Portals) -> None:
        self._portals = portals
        self._signer = signer_of(portals.vault, "invitation")

    def make(self, name: str, domain: str, entity_type: str) -> str:
        """An invitation to connect this portal under this name; `entity_type` "" leaves what is counted as it is."""
        return str(self._signer.dumps([name, domain, entity_type, self._portals.state_of(name)]))

    def check(self, invitation: str, name: str, domain: str, entity_type: str) -> Begun:
        """What an invitation allows, if that is what was asked for. Raises InvitationRefused and InvitationOver."""
        begun = self._read(invitation)
        if (begun.name, begun.domain, begun.entity_type) != (name, domain, entity_type):
            raise _refused("the link was changed: it is not what the operator has invited to")
        if begun.account_state != self._portals.state_of(name):
            raise InvitationOver(
                name, "it was connected or disconnected since the link was made; ask for a new one"
            )
        return begun

    def _read(self, invitation: str) -> Begun:
        if not invitation:
            raise _refused("it needs an invitation")
        try:
            return Begun(*self._signer.loads(invitation, max_age=INVITATION_SECONDS))
        except SignatureExpired:
            raise InvitationOver(_WHAT, "the link is older than a day; ask for a new one") from None
        except BadSignature:
            raise _refused("the link was not made by this installation, or was cut") from None


def _refused(why: str) -> InvitationRefused:
    return InvitationRefused(
        _WHAT, f"{why}; the operator makes a link with `b24 portal connect` or on the page /bitrix24/connect"
    )
