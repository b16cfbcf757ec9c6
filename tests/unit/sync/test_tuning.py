"""The interpreter is tuned while anybody works, and as it was before when nobody does."""

from __future__ import annotations

import gc
import sys

from b24_pipeline.sync.tuning import tuned_interpreter


def test_whoever_ends_first_leaves_it_tuned_for_the_others() -> None:
    """Threads enter and leave in any order."""
    before = gc.get_threshold(), sys.getswitchinterval()
    first, second = tuned_interpreter(), tuned_interpreter()
    first.__enter__()
    tuned = gc.get_threshold(), sys.getswitchinterval()
    second.__enter__()
    first.__exit__(None, None, None)
    assert (gc.get_threshold(), sys.getswitchinterval()) == tuned != before
    second.__exit__(None, None, None)
    assert (gc.get_threshold(), sys.getswitchinterval()) == before
