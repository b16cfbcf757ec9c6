"""Files of the pages: those of others are unchanged, and a browser keeps each of them."""

from __future__ import annotations

import gzip
import re
from hashlib import sha256

from b24_pipeline.web.frame.assets import FOLDER, address_of, assets

LARGEST_WITH_CHARTS, LARGEST_WITHOUT = 450_000, 60_000


def test_libraries_of_others_are_as_their_packages_have_them() -> None:
    """Each has its version, licence and checksum written down."""
    table = (FOLDER / "vendor" / "README.md").read_text("utf-8")
    noted = dict(re.findall(r"^\| `(\S+)` .*`([0-9a-f]{64})` \|$", table, re.MULTILINE))
    found = {path.name: sha256(path.read_bytes()).hexdigest() for path in (FOLDER / "vendor").glob("*.js")}
    assert noted == found
    for name in found:
        assert (FOLDER / "vendor" / f"{name.partition('.')[0]}.LICENSE").exists()


def test_a_first_visit_is_light() -> None:
    """What all pages load is small, and the library of charts is all that is large."""
    sizes = {name: len(asset.compressed) for name, asset in assets().items()}
    charts = sizes.pop("vendor/echarts.min.js")
    assert sum(sizes.values()) < LARGEST_WITHOUT
    assert sum(sizes.values()) + charts < LARGEST_WITH_CHARTS


def test_an_address_names_the_content() -> None:
    """Another content has another address, so that no browser shows an old file."""
    name, asset = "style.css", assets()["style.css"]
    assert address_of(name) == f"/static/{sha256(asset.plain).hexdigest()[:16]}/{name}"
    assert gzip.decompress(asset.compressed) == asset.plain
