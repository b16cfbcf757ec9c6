"""Docs blocks of dbt: texts in Markdown files that descriptions refer to by `{{ doc("name") }}`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from b24_pipeline.errors import ModelError

_BLOCK = re.compile(r"{%-?\s*docs\s+(?P<name>\w+)\s*-?%}(?P<text>.*?){%-?\s*enddocs\s*-?%}", re.S)
_REFERENCE = re.compile(r"{{\s*doc\(\s*(['\"])(?P<name>\w+)\1\s*\)\s*}}")


def doc_blocks(files: Iterable[Path]) -> dict[str, str]:
    """The texts of all blocks by name. Raises ModelError where two are called alike."""
    found: dict[str, str] = {}
    for file in files:
        for block in _BLOCK.finditer(file.read_text("utf-8")):
            if block["name"] in found:
                raise ModelError(f"{file}: there is another docs block {block['name']!r}")
            found[block["name"]] = block["text"].strip()
    return found


def described(text: str, blocks: Mapping[str, str], where: Path) -> str:
    """A description with the texts that it refers to. Raises ModelError for a block that is not there."""

    def block(reference: re.Match[str]) -> str:
        if reference["name"] not in blocks:
            raise ModelError(f"{where}: doc({reference['name']!r}) is in no Markdown file of the models")
        return blocks[reference["name"]]

    return _REFERENCE.sub(block, text)
