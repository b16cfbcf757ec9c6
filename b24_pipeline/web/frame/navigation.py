"""The pages and their order in the navigation."""

from __future__ import annotations

from dataclasses import dataclass

from b24_pipeline.store.access.holder import AccessRole
from b24_pipeline.web.frame.translations import later as _


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of a portal: the last part of its address, its title, and the role that sees it."""

    name: str
    title: str
    needed: AccessRole = "viewer"


FIGURES = (
    Entry("funnel", _("Funnel")),
    Entry("creatives", _("Creatives")),
    Entry("cohorts", _("Cohorts")),
    Entry("flow", _("Flow by day")),
    Entry("speed", _("Speed")),
    Entry("people", _("People")),
    Entry("revenue", _("Revenue")),
)
SETTINGS = (
    Entry("stages", _("Stages")),
    Entry("qualification", _("Qualification")),
    Entry("key-stages", _("Key stages")),
    Entry("leads", _("Own leads")),
    Entry("entities", _("What is read")),
    Entry("trust", _("Trust")),
)
GROUPS = ((_("Figures"), FIGURES), (_("Settings and proof"), SETTINGS))
