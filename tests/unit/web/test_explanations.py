"""What a comparison says of a stage, for whoever does not read English."""

from __future__ import annotations

from b24_pipeline.store.checks.stages import Place
from b24_pipeline.sync.checks.stage_tally import StageTally
from b24_pipeline.web.pages.explanations import explained

PLACE = Place("deal", 0, "NEW")


def said_of(**given: object) -> list[tuple[str, dict[str, str]]]:
    """What the page says of a stage that was compared so."""
    tally = StageTally(PLACE, 9, 8, **given)  # type: ignore[arg-type]
    return explained(tally.found("acme").explanation)


def test_each_sentence_of_a_comparison_is_known() -> None:
    """Of every kind of difference, whether it was put right or not; a sentence of another version stays as it was."""
    kinds = {
        "missing": {1},
        "surplus": {2, 3},
        "deleted": {3},
        "differing": {4},
        "changed": set(range(5, 30)),
    }
    found = [
        *said_of(**kinds, hidden=2, unrepaired={1}),
        *said_of(**kinds, hidden=-2),
        *said_of(missing={1}),
        *said_of(),
    ]
    assert len(found) == 7 + 7 + 2 + 1
    assert all(text for text, _values in found), found
    assert said_of(changed={7})[0][1] == {"count": "1", "ids": "7"}
    assert said_of(changed=set(range(20)))[0][1]["ids"].endswith(", ...")
    assert explained("some other sentence") == [("", {"said": "some other sentence"})]
    assert explained(None) == []
