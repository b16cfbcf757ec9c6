"""How to mend what stops a connection: by the code of the error, with the exact value to paste.

The setup guide (docs/bitrix24-setup.md) lists the same codes; a test compares the two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from b24_pipeline.settings import CALLBACK_PATH
from b24_pipeline.sync.portals.oauth import HANDLER_PATH
from b24_pipeline.sync.portals.placement import PLACEMENT_SCOPE
from b24_pipeline.sync.portals.probe import DEPARTMENT_SCOPE, NEEDED_SCOPES
from b24_pipeline.web.frame.translations import later as _

SCOPES = (*NEEDED_SCOPES, "user", DEPARTMENT_SCOPE)
_HOST = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?|localhost(:\d+)?")
_LABELLED = re.compile(r"^\S+ \((\S+)\)$")
EXAMPLE = "{example}"
"""Stands for the address of a portal as the reader's country has it: the page fills it in."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do, and what to paste there; "{...}" stands for a value of `ConnectValues`, or {host}, the portal.

    `of_operator`: what whoever runs the server does with what is pasted, a setting or a command; shown folded.
    """

    text: str
    paste: str = ""
    of_operator: str = ""


@dataclass(frozen=True, slots=True)
class ConnectValues:
    """What an application's card and the settings need to agree on. `redirect_uri`: BITRIX24_REDIRECT_URI, if set."""

    public_url: str
    is_registered: bool = False
    redirect_uri: str | None = None

    @property
    def callback(self) -> str:
        """Where the portal sends the browser back."""
        return f"{self.public_url.rstrip('/')}{CALLBACK_PATH}"

    @property
    def handler(self) -> str:
        """Where the portal sends its events."""
        return f"{self.public_url.rstrip('/')}{HANDLER_PATH}"

    @property
    def wizard(self) -> str:
        """Where a portal is connected by whoever has an admin's key."""
        return f"{self.public_url.rstrip('/')}/connect"

    @property
    def scopes(self) -> str:
        """The permissions of the application; that to stand inside the portal is of use over https alone."""
        return ", ".join((*SCOPES, PLACEMENT_SCOPE) if self.is_public else SCOPES)

    @property
    def webhook_scopes(self) -> str:
        """The permissions of an inbound webhook."""
        return ", ".join(SCOPES)

    @property
    def is_public(self) -> bool:
        """Whether a portal of the cloud can reach us: it sends events over https alone."""
        return self.public_url.startswith("https://")

    @property
    def redirect_differs(self) -> bool:
        """Whether BITRIX24_REDIRECT_URI is another address than the one that the portal comes back to."""
        return self.redirect_uri is not None and self.redirect_uri != self.callback

    def steps(self, code: str, portal: str = "", *, by_webhook: bool = False) -> list[Remedy]:
        """How to mend an error of this code, which names `portal`: an address, a name, or `name (address)`.

        `by_webhook`: the portal was to be connected by an inbound webhook.
        """
        steps = (by_webhook and OF_WEBHOOK.get(code)) or MENDING.get(code, ())
        host = (portal := _LABELLED.sub(r"\1", portal)).rpartition("://")[2]
        if code == "address_refused" and not _HOST.fullmatch(host):
            steps = steps[:1]  # nobody can allow what is no host
        values = {
            "callback": self.callback,
            "handler": self.handler,
            "scopes": self.scopes,
            "wizard": self.wizard,
            "webhook_scopes": self.webhook_scopes,
            "host": host or EXAMPLE,
            "origin": portal if "://" in portal else f"https://{portal or EXAMPLE}",
            "example": EXAMPLE,
        }
        return [replace(step, paste=step.paste.format_map(values)) for step in steps]


_REGISTER = (
    Remedy(
        _(
            "In the portal, as an administrator: Applications → Developer resources → Other → Local application."
            " Type: server."
        )
    ),
    Remedy(_("Your handler path:"), "{callback}"),
    Remedy(_("Initial installation path:"), "{handler}"),
    Remedy(_("Permissions:"), "{scopes}"),
)
_AGAIN = Remedy(_("Then begin again: the earlier attempt is over."))
_CARD_PATH = Remedy(
    _("The handler path on the application's card in the portal must be exactly this:"), "{callback}"
)
_KEYS = Remedy(
    _("The portal shows two keys on the application's card. Give them to whoever runs the server."),
    "BITRIX24_CLIENT_ID=local.…\nBITRIX24_CLIENT_SECRET=…",
    _("They belong into the environment of b24 serve, or into the file .env in its folder. Restart it then:"),
)
_LINK = Remedy(
    _("Ask whoever runs the server for a new link."),
    "b24 portal connect NAME {host}",
    _("This command makes it:"),
)

MAKE_WEBHOOK = (
    Remedy(
        _(
            "In the portal, as an administrator: Applications → Developer resources → Other → Inbound webhook. Tick"
            " these permissions:"
        ),
        "{webhook_scopes}",
    ),
    Remedy(
        _("Save, copy the whole address that the portal shows there, and paste it here. It looks like this:"),
        "https://{example}/rest/1/…/",
    ),
)
"""How an inbound webhook is made."""

MENDING: dict[str, tuple[Remedy, ...]] = {
    "settings_error": (*_REGISTER, _KEYS),
    "webhook_needed": (
        Remedy(
            _(
                "Paste the whole address of an inbound webhook, or register an application as it is said below: then "
                "the address of the portal is enough."
            )
        ),
        *MAKE_WEBHOOK,
    ),
    "no_webhook": MAKE_WEBHOOK,
    "address_refused": (
        Remedy(
            _("Copy the host from the address line of the browser while the portal is open:"),
            "{example}",
        ),
        Remedy(
            _("A portal on your own server must be allowed first: ask whoever runs this service."),
            "B24_ALLOWED_PORTALS={host}",
            _("Add this to the settings, and restart:"),
        ),
    ),
    "portal_unreachable": (
        Remedy(_("Check the spelling: the portal must open in a browser at this address:"), "{origin}/"),
        Remedy(
            _("If it opens there, this service's own way to the internet is closed: ask whoever runs it.")
        ),
    ),
    "certificate_refused": (
        Remedy(
            _(
                "The certificate of the portal is not valid for this address, or its authority is unknown to the"
                " machine of this service. Renew it, or let the machine trust the authority."
            )
        ),
    ),
    "unreadable_answer": (
        Remedy(_("Something answers there, but no Bitrix24 portal. Open this, and compare:"), "{origin}/"),
    ),
    "application_refused": (
        Remedy(
            _(
                "The keys must be those of the card of the application in this very portal: give both once more."
            ),
            "BITRIX24_CLIENT_ID=local.…\nBITRIX24_CLIENT_SECRET=…",
            _("Copy both again into the settings, and restart:"),
        ),
        Remedy(
            _("Portals of the zones .ru, .by, .kz, .uz, .am, .az, .ge and .kg may need one setting more."),
            "BITRIX24_OAUTH_URL=https://oauth.bitrix24.tech",
            _("Add this to the settings, and restart:"),
        ),
    ),
    "authorization_refused": (
        Remedy(_("Begin again, and do not reload the page on which the portal brings you back.")),
        _CARD_PATH,
    ),
    "access_not_given": (
        Remedy(_("Begin again, and press “Allow” in the portal.")),
        Remedy(_("If Bitrix24 showed an error instead of the question, look at the application's card.")),
        *_REGISTER[1:],
    ),
    "other_browser": (
        Remedy(_("Begin and end in the same browser, with cookies on, within ten minutes.")),
        _CARD_PATH,
    ),
    "other_portal": (
        Remedy(
            _("Sign out of the other portal, or enter the address of the portal that you are signed in to.")
        ),
        _AGAIN,
    ),
    "state_expired": (Remedy(_("Begin again, and allow the access within ten minutes.")),),
    "state_forged": (Remedy(_("Begin again from this service, not from a bookmark.")), _CARD_PATH),
    "state_used": (Remedy(_("Look at the page of portals: it says whether the portal is connected.")),),
    "invitation_over": (_LINK,),
    "invitation_refused": (_LINK,),
    "not_administrator": (
        Remedy(
            _(
                "Sign in to the portal as an administrator, best of all as a service account of its own, and begin"
                " again."
            )
        ),
    ),
    "scope_missing": (
        Remedy(
            _("Tick these permissions on the application's card in the portal, save, and begin again:"),
            "{scopes}",
        ),
    ),
    "access_denied": (
        Remedy(
            _(
                "REST needs a paid plan together with a Market subscription, or a trial of them. Look at the plan of"
                " the portal:"
            ),
            "{origin}/settings/license.php",
        ),
    ),
    "payment_required": (
        Remedy(
            _("The plan or the Market subscription of the portal has ended. Renew it, then begin again:"),
            "{origin}/settings/license.php",
        ),
    ),
    "portal_deleted": (Remedy(_("The portal is closed. Open it in a browser:"), "{origin}/"),),
    "portal_moved": (
        Remedy(_("The portal has another address now: open it, and copy the one it leads to:"), "{origin}/"),
    ),
    "app_removed": (
        Remedy(_("The application is not installed in the portal any more. Add it once more.")),
        *_REGISTER,
    ),
    "credential_refused": (
        Remedy(
            _("The secret is wrong, or was made anew in the portal: begin again, so that a new one is made.")
        ),
    ),
    "visit_refused": (
        Remedy(
            _("If the portal is not connected here yet: open this in a window of its own, and connect it:"),
            "{wizard}",
        ),
        Remedy(_("If it is connected: close this page, and open it again from the menu of the portal.")),
    ),
    "portal_conflict": (
        Remedy(
            _("Choose another name, or connect the portal under the name that it has on the page of portals.")
        ),
    ),
    "binding_refused": (Remedy(_("The portal must be able to reach this address over https:"), "{handler}"),),
}
"""By the code of an error."""

OF_WEBHOOK: dict[str, tuple[Remedy, ...]] = {
    "credential_refused": (
        Remedy(_("The secret is wrong, or was made anew in the portal: copy the whole address once more.")),
        *MAKE_WEBHOOK,
    ),
    "scope_missing": (
        Remedy(
            _("Tick these permissions of the webhook in the portal, save, and paste its address again:"),
            "{webhook_scopes}",
        ),
    ),
    "portal_moved": (
        Remedy(
            _(
                "Open the portal, and copy the address of the webhook again. If it is connected here already, ask"
                " whoever runs the server to renew it."
            ),
            "b24 portal add NAME --moved",
            _("This command renews it:"),
        ),
    ),
}
"""By the code of an error, where it is another than with an application."""
