"""How own leads are matched, and why not, as sentences for people."""

from __future__ import annotations

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
    "no_phone": _("no phone was left"),
    "invalid_phone": _("the phone cannot be read"),
    "not_found": _("nobody in the CRM has the phone"),
    "not_matched_yet": _("not looked for yet: it came after the last sync"),
    "by_hand": _("somebody has unlinked it"),
}
