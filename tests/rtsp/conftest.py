"""What the tests of a real RTSP camera share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import edgefeat


@pytest.fixture(scope="session")
def extractor() -> Iterator[edgefeat.FeatureExtractor]:
    with edgefeat.FeatureExtractor() as opened:
        yield opened
