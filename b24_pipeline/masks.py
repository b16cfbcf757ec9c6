"""Takes secrets out of a text before anybody sees it: on the screen, in the log, in Dagster."""

from __future__ import annotations

import re

MASK = "***"
_SLASH = r"(?:\\?/|%2F)"
_NAMES = r"(?:auth|auth_id|refresh_id|\w*token|client_secret|code|password)"
# each: what goes before the secret, and the secret
_SECRET_TEXTS = (
    re.compile(rf"(?i)({_SLASH}rest{_SLASH}(?:api{_SLASH})?\d+{_SLASH})[^/\s\"'?\\%]+"),
    re.compile(rf"(?i)({_NAMES}=)[^&\s\"']+"),
    re.compile(rf"(?i)([\"']{_NAMES}[\"']\s*:\s*[\"'])[^\"']+"),
    re.compile(r"(?i)(\bbearer\s+)[^\s\"']+"),
    re.compile(r"(://[^:/\s@]*:)[^\s\"']+(?=@)"),
)


def masked(text: str) -> str:
    """The text without webhook secrets, tokens and passwords."""
    for pattern in _SECRET_TEXTS:
        text = pattern.sub(rf"\1{MASK}", text)
    return text
