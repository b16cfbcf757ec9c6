"""The funnel as text and as a picture, whatever portals call their stages."""

from __future__ import annotations

from base64 import b64decode
from typing import Any
from xml.etree import ElementTree

from b24_pipeline.defs.assets.funnel_svg import MOST_LINES, funnel_figures, funnel_picture


def test_the_funnel_is_drawn_without_markup_of_the_names() -> None:
    """Names of stages cannot bring markup into the picture."""
    row = {
        "portal": "acme",
        "entity_type": "deal",
        "category_id": 0,
        "category_name": "Sales](x) <b>",
        "status_id": "NEW",
        "status_name": "<script>",
        "semantics": "process",
        "is_deleted": False,
        "entered": 4,
        "reached": 4,
        "conversion_from_start": 1.0,
    }
    picture = funnel_picture([row])
    assert picture.startswith("![acme, deal, Salesx <b>: 4 entered](data:image/svg+xml;base64,")
    assert "<script>" not in picture
    assert funnel_picture([]) == "No funnel yet."


def test_the_funnel_is_drawn_whatever_a_stage_is_called() -> None:
    """A control character would make a picture that no browser reads."""
    row = {
        **{"portal": "acme", "entity_type": "deal", "category_id": 0, "category_name": "Sales\x00\x1b[2J\nx"},
        **{"status_id": "NEW", "status_name": "won\x08\ufffe & more", "semantics": "process"},
        **{"is_deleted": False, "entered": 4, "reached": 4, "conversion_from_start": 1.0},
    }
    name, _, encoded = funnel_picture([row]).partition("](data:image/svg+xml;base64,")
    assert "\n" not in name
    texts = [element.text for element in ElementTree.fromstring(b64decode(encoded.rstrip(")"))).iter()]
    assert "won\ufffd\ufffd & more" in texts


def test_the_funnel_is_one_line_of_text_each() -> None:
    """The UI shows text without a click; lost ones are no step, empty funnels and many portals are left out."""

    def stage(portal: str, name: str, semantics: str, reached: int, share: float | None) -> dict[str, Any]:
        return {
            **{"portal": portal, "entity_type": "deal", "category_id": 0, "category_name": "Sales"},
            **{"status_id": name, "status_name": name, "semantics": semantics},
            **{
                "is_deleted": name == "Old",
                "entered": reached,
                "reached": reached,
                "conversion_from_start": share,
            },
        }

    rows = [
        stage("acme", "New\n", "process", 1200, None),
        stage("acme", "Won", "success", 300, 0.25),
        stage("acme", "Old", "process", 3, 0.0025),
        stage("acme", "Lost", "failure", 400, 0.33),
        stage("empty", "New", "process", 0, None),
    ]
    assert funnel_figures(rows) == {"acme, deal, Sales": "New  1,200 → Won 300 (25%) → Old (deleted) 3 (0%)"}
    many = [stage(f"portal {number}", "New", "process", 1, None) for number in range(9)]
    assert len(funnel_figures(many)) == MOST_LINES
