"""The model whose features anybody can compute by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from column_models import PLACE
from edgefeat import FeatureExtractor


@pytest.fixture(scope="session")
def people() -> Path:
    return PLACE


@pytest.fixture
def fx(people: Path) -> Iterator[FeatureExtractor]:
    with FeatureExtractor(people) as opened:
        yield opened
