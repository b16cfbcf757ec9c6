"""Own leads for people: how they are matched, and why not, as sentences; phones and e-mails by the reader's role."""

from __future__ import annotations

from collections.abc import Sequence

from b24_pipeline.store.access.holder import KeyHolder
from b24_pipeline.store.figures.own_leads import OwnLead
from b24_pipeline.web.frame.translations import later as _

METHODS = {
    "lead_phone": _("by the phone of a CRM lead"),
    "contact_phone": _("by the phone of a contact"),
    "company_phone": _("by the phone of a company"),
    "portal_lead": _("by the portal's search: the phone of a CRM lead"),
    "portal_contact": _("by the portal's search: the phone of a contact"),
    "portal_company": _("by the portal's search: the phone of a company"),
    "by_hand": _("by hand"),
}

CHOSEN = {
    "newest_open_deal": _("the newest open deal"),
    "newest_deal": _("the newest deal: none is open"),
    "deal_of_lead": _("the deal that was made from the lead"),
    "newest_lead": _("the newest lead: there is no deal"),
    "only_contact": _("the contact: there is no deal or lead yet"),
    "only_company": _("the company: there is no deal or lead yet"),
    "by_hand": _("somebody has linked it"),
}

REASONS = {
    "no_phone": _("no phone was left, and an e-mail is not looked for"),
    "invalid_phone": _("the phone cannot be read"),
    "not_found": _("nobody in the CRM has the phone"),
    "not_matched_yet": _("not looked for yet: it came after the last sync"),
    "by_hand": _("somebody has unlinked it"),
}

COLUMN_NAMES = {
    "id": _("id in the ad system"),
    "name": _("name"),
    "phone": _("phone"),
    "email": _("e-mail"),
    "creative": _("creative (an advertisement)"),
    "direction": _("direction (what is advertised)"),
    "utm_source": _("utm_source"),
    "utm_medium": _("utm_medium"),
    "utm_campaign": _("utm_campaign (the campaign)"),
    "utm_content": _("utm_content"),
    "utm_term": _("utm_term"),
    "created_at": _("when it was left"),
    "first_name": _("first name"),
    "last_name": _("last name"),
    "time_of_day": _("time of the day"),
}

SAMPLE_COLUMNS = (
    _("Full name"),
    _("Phone"),
    _("E-mail"),
    _("Date and time"),
    _("Campaign"),
    _("Creative"),
    _("Direction"),
)
"""The header of a file to fill in, in words by which the columns are recognised in every language."""

SAMPLE_ROWS = (
    (
        "Anna Example",
        "+7 900 000-00-01",
        "anna@example.com",
        "2026-04-03 14:05",
        "spring",
        "banner 1",
        "credit",
    ),
    (
        "Boris Example",
        "+7 900 000-00-02",
        "boris@example.com",
        "2026-04-04 09:30",
        "spring",
        "video 2",
        "credit",
    ),
)

_BAD_ROWS = {
    "its quotes do not close": _("The quotes of the row do not close."),
    "has bytes that are no text": _("The row has bytes that are no text."),
    "cells, the header": _("The row has more or fewer cells than the header."),
    "names nobody": _("The row names nobody: no id, name, phone or e-mail."),
    "is longer than": _("A text is too long."),
    "created_at is in the future": _("The time when it was left is in the future."),
    "created_at is a number": _(
        "A spreadsheet has made a number of the date: format the column as a date or text."
    ),
    "does not tell whether the day": _(
        "The date does not tell whether the day or the month comes first: choose it above the columns."
    ),
    "created_at is no date": _(
        "The time when it was left is no date, as 2026-11-29 18:30 or 29.11.2026 18:30."
    ),
    "holds only #": _("A spreadsheet shows # in place of a value: make its column wider and export again."),
    "holds an error of a spreadsheet": _("A cell holds an error of a spreadsheet in place of a value."),
    "exponent form": _(
        "A spreadsheet has dropped the last digits of a phone or id: format the column as text."
    ),
    "is a test lead": _("It is a test lead of the ad system."),
    "id ends in zeros": _("A spreadsheet has rounded the id: format the column as text and export again."),
    "id is that of another row": _("Another row has the same id, with another person and time."),
    "id is that of a stored lead": _(
        "A lead that was loaded before has this id, with another person and time; it stays."
    ),
}


def sees_contacts(holder: KeyHolder) -> bool:
    """Whether somebody sees phones and e-mails of own leads whole: a viewer sees figures, and these masked."""
    return holder.may("manager")


def as_seen(holder: KeyHolder, own_leads: Sequence[OwnLead]) -> Sequence[OwnLead]:
    """Own leads as their reader may see them."""
    return own_leads if sees_contacts(holder) else [own.masked for own in own_leads]


def reason_text(reason: str) -> str | None:
    """Why a row is not loaded, as a text to be translated; None where there is none of this reason."""
    return next((text for part, text in _BAD_ROWS.items() if part in reason), None)
