"""Public names and their signatures change only when somebody means it."""

from __future__ import annotations

import pytest

import edgefeat
from public_names import ON_DEVICE, changes


@pytest.mark.parametrize("module", ON_DEVICE)
def test_public_names_are_those_of_the_committed_file(module: str) -> None:
    assert (difference := changes(module)) == "", difference


def test_a_change_is_seen_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def extract(image: str) -> None: ...

    monkeypatch.setattr(edgefeat, "extract", extract)
    told = changes("edgefeat")
    assert "+extract(image: str) -> None" in told.splitlines()
    assert "`python tests/support/public_names.py`" in told
    assert "docs/stability.md" in told
