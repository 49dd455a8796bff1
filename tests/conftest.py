"""Where the test inputs are: committed sample photos, and the larger shared set where it exists."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("any CPU", deadline=None)  # a busy or emulated one is slow, not wrong
settings.load_profile("any CPU")

# A shell that puts the tests into the background, or `nohup`, lets all children ignore these.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

ROOT = Path(__file__).parent.parent
PHOTOS = ROOT / "tests" / "data" / "photos"
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder of the committed sample photos: chelsea.jpg, coffee.jpg, rocket.jpg."""
    return PHOTOS


@pytest.fixture(scope="session")
def shared() -> Path | None:
    """The folder of larger real inputs, or None where the checkout stands alone.

    A test that takes it tests the same thing on the committed photos in any case.
    """
    return SHARED if SHARED.is_dir() else None
