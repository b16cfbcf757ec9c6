"""Collects the texts of the pages into the catalogue of each language, and keeps the translations (`make texts`).

What is new is without a translation, which a test complains of; what is not used any more goes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
WEB = ROOT / "b24_pipeline" / "web"
CATALOGUES = WEB / "translations"
METHODS = [("templates/**.html", "jinja2"), ("**.py", "python")]
OPTIONS = {"templates/**.html": {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true"}}


def collected() -> Catalog:
    """The texts of the templates and modules, in the order of their files."""
    found = Catalog(project="b24-pipeline", charset="utf-8")
    for _file, _line, text, comments, context in extract_from_dir(WEB, METHODS, OPTIONS):
        found.add(text, auto_comments=comments, context=context)
    return found


def main() -> None:
    """Writes the catalogues."""
    texts = collected()
    for path in sorted(CATALOGUES.glob("*.po")):
        with path.open("rb") as lines:
            catalogue = read_po(lines, locale=path.stem)
        catalogue.update(texts, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        with path.open("wb") as written:
            # sorted and without places, so that people who add texts at once do not meet
            write_po(written, catalogue, width=110, sort_output=True, omit_header=True, no_location=True)
        missing = sum(1 for message in catalogue if message.id and not message.string)
        sys.stdout.write(f"{path.name}: {len(catalogue)} texts, {missing} without a translation\n")


if __name__ == "__main__":
    main()
