"""Why something did not work, for a person, by the code of the error; others have their message alone."""

from __future__ import annotations

from b24_pipeline.web.frame.translations import later as _

REASONS = {
    "access_denied": _(
        "The plan of the portal does not include REST, or whoever allowed the access may not use it."
    ),
    "app_removed": _("The application is not installed in the portal."),
    "binding_refused": _("The portal did not take our address for its events."),
    "certificate_refused": _("The certificate of the portal cannot be trusted. Nothing was sent to it."),
    "credential_refused": _("The portal does not take the permission that it was given."),
    "payment_required": _("The plan of the portal has ended, and its REST with it."),
    "portal_deleted": _("Bitrix24 says that this portal is closed."),
    "portal_moved": _("The portal has another address."),
    "scope_missing": _("The application lacks a permission: without CRM there is nothing to read."),
    "settings_error": _("This service is not registered with Bitrix24 as an application yet."),
    "unreadable_answer": _("There is no Bitrix24 portal at this address."),
    "visit_refused": _("The portal is not connected here, or does not confirm who opened this page."),
    "webhook_address": _(
        "This is the address of a webhook. It holds a secret and is not needed here, so it was not kept."
    ),
    "access_not_given": _("Access was not allowed in Bitrix24. Nothing was changed."),
    "address_refused": _(
        "This is not the address of a portal in the Bitrix24 cloud. Check the spelling. A portal on your"
        " own server must be allowed by the operator of this service."
    ),
    "application_refused": _(
        "Bitrix24 does not know this service as an application of the portal. The operator must check "
        "the application's card in the portal."
    ),
    "authorization_refused": _("The permission came too late: it is valid for half a minute."),
    "invitation_over": _(
        "This link was used, is older than a day, or the portal was connected or disconnected since. Ask"
        " the operator of this service for a new one."
    ),
    "invitation_refused": _(
        "A portal is connected by its operator, or by a link that the operator has made. This link is "
        "not one of them, or a part of it is missing."
    ),
    "key_refused": _("The management key is missing or wrong."),
    "not_administrator": _(
        "The portal is connected by another user, and you are no administrator of it. Let an "
        "administrator connect it."
    ),
    "other_browser": _("The connection was started in another browser, or cookies are off."),
    "other_portal": _("The portal that answered is not the portal that you entered."),
    "portal_conflict": _("This name or this portal is already connected."),
    "portal_unreachable": _("The portal is not answering now. Try again in a minute."),
    "state_expired": _("The connection was started more than ten minutes ago."),
    "state_forged": _("This link was not made by this service, or a part of it is missing."),
    "state_used": _("This link was already used. If the portal is connected, nothing more is needed."),
    "too_often": _("Too many attempts just now. Wait a minute."),
    "foreign_form": _(
        "The page was too old, or another site sent this form. Nothing was changed: open the page again "
        "and repeat it."
    ),
    "not_protected": _("These pages are open over https only, or on the machine that runs the service."),
    "role_too_low": _("Your key does not allow this. Ask whoever runs the service for another one."),
    "unknown_portal": _("There is no such portal here, or your key does not show it."),
    "wrong_dates": _("These days cannot be shown: the first one must not be after the last."),
}
