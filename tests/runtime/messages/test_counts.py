"""Counts in sentences."""

from __future__ import annotations

import pytest

from edgefeat.messages.counts import counted


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 pictures"), (1, "1 picture"), (2, "2 pictures")]
)
def test_one_is_singular(count: int, said: str) -> None:
    assert counted(count, "picture") == said
