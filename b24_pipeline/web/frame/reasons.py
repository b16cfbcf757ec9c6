"""Why something did not work, for a person: by the case of the error, else by the code of its class or of a base of it.

Errors are English in commands and in the API; pages say these sentences, in the reader's language.
"""

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
    "webhook_needed": _(
        "Without an application of your own, a portal is connected by the address of an inbound webhook."
    ),
    "no_webhook": _(
        "This is not the whole address of an inbound webhook. What was pasted may hold a secret, so it was not kept."
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
    "grant_refused": _(
        "Bitrix24 did not take the permission, although it came in time. It was used already, or the keys in the "
        "settings of this service are those of another application."
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
    "wrong_dates": _("These days cannot be shown: expected days of the calendar, the earlier one first."),
    "api_error": _("The portal answered with an error."),
    "b24_error": _("Something went wrong."),
    "card_elsewhere": _(
        "This card is of another portal. Expected a card at %(domain)s, or the number of a deal or lead."
    ),
    "column_chosen_twice": _("Two columns were chosen as the same thing. Choose each at most once."),
    "column_missing": _("The file has no column “%(column)s”."),
    "column_twice": _(
        "The file has the column “%(column)s” twice. Rename one of them in the file, or leave it out below."
    ),
    "condition_refused": _("The conditions do not fit the custom fields of the portal."),
    "counted": _("Choose what is counted: leads, deals, or both."),
    "database_read_only": _(
        "The database takes no changes: it is a copy that follows another one. The operator of this service must"
        " lead it to the one that is written."
    ),
    "database_error": _("The database cannot be used now. Try again in a minute."),
    "days_turned": _("The first day must not be after the last."),
    "direction_exists": _("There is a direction of this name already."),
    "direction_name": _("A direction needs a name."),
    "entity_refused": _(
        "The portal does not have this, or does not show it to the user by whom it is connected. Nothing was chosen: "
        "have the portal's administrator give that user the right to read it, then choose it again."
    ),
    "entity_type_not_counted": _(
        "This portal is not set to count this: choose leads, deals or both on the page of portals."
    ),
    "flags_contradict": _("A stage cannot count as won and as lost at once. Take one of the two flags back."),
    "internal": _("An error of this service. Whoever runs it finds the details in its log."),
    "invalid": _(
        "A part of this address or form cannot be read. Go back, and choose from what the page offers."
    ),
    "key_name": _(
        "This cannot be the name of a key. It begins with a letter or digit; letters, digits, blanks "
        "and . , @ + - _ may follow, 63 characters at most."
    ),
    "key_name_taken": _("Another key has this name. Revoke it first, or choose another name."),
    "key_portals": _(
        "Choose which portals the key sees: all of them, or tick those that it is for. No key was made."
    ),
    "key_stages_mixed": _("The key stages of a direction are all of leads, or all of deals."),
    "key_stages_repeated": _("The key stages of a direction must differ from one another."),
    "large_spreadsheet": _(
        "The spreadsheet has %(size)s MB unpacked; at most %(most)s are read. Save it as CSV."
    ),
    "lead_file_refused": _("This file cannot be read."),
    "malformed": _("This request cannot be read."),
    "method_not_allowed": _("This address is not opened in this way."),
    "no_card": _(
        "Enter the number of a deal or lead, as 189 or №189, or the address of its card in Bitrix24."
    ),
    "no_cookie": _("The browser keeps no cookies. Allow them for this page, and begin again."),
    "not_connected_to_pause": _("Only a connected portal can be paused."),
    "not_paused": _("Nobody has paused this portal: it goes on already."),
    "portal_paused": _("This portal is paused. Let it go on first, on the page of portals."),
    "no_day": _("“%(given)s” is no day. Expected a day of the calendar, as 2026-11-29."),
    "no_deal": _(
        "There is no deal %(number)s in the copy, or it was deleted in Bitrix24. A deal that has just"
        " been made comes with the next sync."
    ),
    "no_excel": _(
        "This is no Excel file, although its name ends in .xlsx. Save it in Excel once more as .xlsx, or as CSV."
    ),
    "no_figures": _("The figures are not made yet. They come with the first sync."),
    "no_lead": _(
        "There is no lead %(number)s in the copy, or it was deleted in Bitrix24. A lead that has just"
        " been made comes with the next sync."
    ),
    "no_own_lead": _("There is no such own lead in this portal."),
    "no_phone_column": _("Choose the column that has the phones: without it nobody can be found in the CRM."),
    "no_pipeline": _(
        "There is no pipeline “%(code)s” in this portal. Open the page from the menu, and choose one "
        "of the list."
    ),
    "no_spreadsheet": _(
        "This is no spreadsheet that can be read, or it is encrypted. Save it as .xlsx or CSV."
    ),
    "no_stage": _("This pipeline has no such stage."),
    "no_table": _(
        "There is no table in this file. Expected a CSV or .xlsx file, with the names of the columns "
        "in its first line."
    ),
    "not_found": _("There is no such page."),
    "portal_error": _("The portal did not do what it was asked for."),
    "portal_name": _(
        "“%(name)s” cannot be the name of a portal. Expected letters, digits and . _ - without "
        "blanks, at most 63 characters, a letter or digit first."
    ),
    "portal_name_dots": _(
        "“%(name)s” cannot be the name of a portal: it has several dots in a row, or one at its end."
    ),
    "reauthorization_required": _(
        "The portal does not take its permission any more. It must be connected again."
    ),
    "refused": _("This is not possible."),
    "secret_key_error": _(
        "The secrets of the portal cannot be opened: whoever runs the server must look at its keys of encryption."
    ),
    "sync_busy": _("A sync of this portal is at work. Try again when it has ended."),
    "too_large": _("This is too large: a file may have 20 MB."),
    "unknown_creative": _("There is no such creative in this portal."),
    "unknown_direction": _("There is no such direction in this portal."),
    "unknown_key": _("There is no such key, or it was revoked."),
    "unknown_stage": _("The portal has no such stage, or has deleted it."),
    "unreadable_file": _("The file cannot be read from the disk of this service. Upload it again."),
    "unreadable_form": _("The form cannot be read. Open the page again, and send it once more."),
    "usage_error": _("This cannot be done as it was asked for."),
}
