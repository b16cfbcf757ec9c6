"""Every error that a page can show has a sentence of its own, which is translated like all texts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import b24_pipeline.errors as errors
from b24_pipeline.errors import B24Error, UsageError
from b24_pipeline.web.connect.mending import EXAMPLE, ConnectValues
from b24_pipeline.web.frame.reasons import REASONS
from b24_pipeline.web.problems import ProblemAnswer, answer_to, code_of, kinds_of

PACKAGE = Path(errors.__file__).parents[1]
BEHIND_PAGES = (
    "web/pages/*.py",
    "web/connect/*.py",
    "web/frame/*.py",
    "store/access/*.py",
    "store/crm/stage_flags.py",
    "store/figures/*.py",
    "store/own_leads/*.py",
    "store/portals/*.py",
    "sync/own_leads/lead_file.py",
    "sync/own_leads/spreadsheet.py",
    "sync/own_leads/by_hand.py",
    "sync/portals/oauth.py",
)
"""Where the errors of many kinds that pages show are raised under one class."""
OF_MANY_KINDS = {"UsageError", "LeadFileRefused"}


def raised() -> Iterator[tuple[str, str, int]]:
    """Each place where an error of many kinds is raised: the case that it is given, file and line."""
    for pattern in BEHIND_PAGES:
        for path in sorted(PACKAGE.glob(pattern)):
            tree = ast.parse(path.read_text())
            for node in ast.walk(tree):
                if isinstance(node, ast.Raise) and node.exc is not None:
                    text = ast.unparse(node.exc)
                    if re.match(r"(\w+)\(", text) and text.partition("(")[0] in OF_MANY_KINDS:
                        cases = re.findall(r"\.of_case\(f?'([^']+)'", text)
                        yield (cases[-1] if cases else "", str(path.relative_to(PACKAGE)), node.lineno)


def test_what_is_raised_behind_pages_says_which_case_it_is() -> None:
    """A class of many kinds alone would leave the English message for whoever reads Russian."""
    found = list(raised())
    assert len(found) > 15
    for case, path, line in found:
        for kind in ("deal", "lead") if "{" in case else ("",):
            assert re.sub(r"\{.*\}", kind, case) in REASONS, f"{path}:{line}"


@pytest.mark.parametrize(
    "error",
    [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, B24Error) and kind is not B24Error
    ],
    ids=lambda kind: str(kind.__name__),
)
def test_every_error_has_a_sentence(error: type[B24Error]) -> None:
    """Of its own class, or of the one that it is a kind of."""
    assert ProblemAnswer(400, code_of(error), "", kinds=kinds_of(error)).sentence(REASONS)
    if error.case:
        assert error.case in REASONS


@pytest.mark.parametrize(
    "code", ["invalid", "malformed", "not_found", "method_not_allowed", "too_large", "internal", "refused"]
)
def test_what_http_refuses_has_a_sentence(code: str) -> None:
    """Parameters, addresses and methods too."""
    assert ProblemAnswer(400, code, "").sentence(REASONS)


def test_the_case_is_for_pages_alone() -> None:
    """The API keeps its code and its English message."""
    answer = answer_to(UsageError("English").of_case("no_day", given="x"))
    assert answer.body == {"error": "usage_error", "message": "English"}
    assert (answer.sentence(REASONS), answer.given) == (REASONS["no_day"], {"given": "x"})


def test_an_address_that_is_no_host_is_not_advised_to_be_allowed() -> None:
    """Nobody can write it into B24_ALLOWED_PORTALS."""
    values = ConnectValues("https://b24.example.com")
    for portal, advised in (
        ("crm.firm.example", True),
        ("localhost:8077", True),
        ("this text", False),
        ("", False),
    ):
        pasted = [step.paste for step in values.steps("address_refused", portal)]
        assert (f"B24_ALLOWED_PORTALS={portal}" in pasted) is advised
        assert pasted[0] == EXAMPLE
