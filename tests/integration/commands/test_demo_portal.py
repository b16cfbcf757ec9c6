"""The portal of `b24 demo` is a process of its own, which may die."""

from __future__ import annotations

import pytest

from b24_pipeline.commands.demo_portal import demo_portal
from b24_pipeline.errors import B24Error


def test_a_portal_that_died_is_noticed() -> None:
    """Nothing would change any more, and nobody would know why."""
    with demo_portal(1, 1, 1, "http://127.0.0.1:8024/bitrix24/callback") as portal:
        portal.raise_if_ended()
        portal.process.kill()
        portal.process.wait(10)
        with pytest.raises(B24Error, match=r"ended by itself \(-9\).*`b24 demo`"):
            portal.raise_if_ended()
