"""docs/img/floors.svg is drawn from the code; a picture that is out of date misleads."""

from __future__ import annotations

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "docs" / "draw_floors.py"


def test_picture_is_up_to_date() -> None:
    """The picture in the repository is the one that `make docs` draws; if not, run it."""
    spec = importlib.util.spec_from_file_location("draw_floors", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PICTURE.read_text("utf-8") == module.picture()
