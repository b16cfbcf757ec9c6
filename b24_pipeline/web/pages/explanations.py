"""Why a stage differs from the portal, which is stored in English, as sentences for people."""

from __future__ import annotations

import re

from b24_pipeline.web.frame.translations import later as _

Sentence = tuple[str, dict[str, str]]
"""A text to be translated with the values in it; where it is not known, "" and what was said."""

_SENTENCES = {
    r"(?P<count>\d+) not in our copy of this stage: ids (?P<ids>.+)": _(
        "Not in our copy of this stage: %(count)s (numbers %(ids)s)"
    ),
    r"(?P<count>\d+) not in this stage in the portal any more: ids (?P<ids>.+)": _(
        "Not in this stage in the portal any more: %(count)s (numbers %(ids)s)"
    ),
    r"(?P<count>\d+) deleted in the portal: ids (?P<ids>.+)": _(
        "Deleted in the portal: %(count)s (numbers %(ids)s)"
    ),
    r"(?P<count>\d+) of another amount or currency: ids (?P<ids>.+)": _(
        "Of another amount or currency: %(count)s (numbers %(ids)s)"
    ),
    r"(?P<count>\d+) more in the portal were not found by id": _(
        "More in the portal, which were not found by number: %(count)s"
    ),
    r"(?P<count>\d+) more in our copy were not found by id": _(
        "More in our copy, which were not found by number: %(count)s"
    ),
    r"`(?P<command>b24 reconcile .+)` repairs it": _(
        "Whoever runs the server can put it right (%(command)s)."
    ),
    r"repaired right after the check": _("It was put right after the comparison."),
    r"(?P<count>\d+) changed in the portal since the sync: ids (?P<ids>.+)": _(
        "Changed in the portal since the sync: %(count)s (numbers %(ids)s)"
    ),
    r"changed in the portal while it was counted": _("It was changed in the portal while it was counted."),
}


def explained(explanation: str | None) -> list[Sentence]:
    """The sentences of an explanation, in its order."""
    return [_sentence(said) for said in (explanation or "").split("; ") if said]


def _sentence(said: str) -> Sentence:
    found = ((text, re.fullmatch(pattern, said)) for pattern, text in _SENTENCES.items())
    return next(((text, match.groupdict()) for text, match in found if match), ("", {"said": said}))
