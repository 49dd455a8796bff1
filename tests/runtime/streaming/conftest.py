"""After every test of streams no thread of one may be left."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("edgefeat")]


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    assert threads() == []
    yield
    deadline = time.monotonic() + 2
    while threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threads() == []
