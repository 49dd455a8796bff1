"""The worked example: photos and tabular columns score better together than either alone."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def example(root: Path) -> ModuleType:
    file = root / "tests" / "examples" / "photos_and_columns.py"
    found = importlib.util.spec_from_file_location("photos_and_columns", file)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_windows_of_the_sample_photos(example: ModuleType, photos: Path) -> None:
    scores = example.compare(*example.windows(photos))
    assert scores["both"] > max(scores["photo"], scores["table"])
    assert scores["photo"] > 0.7


def test_cifar10(example: ModuleType, shared: Path | None, photos: Path) -> None:
    """Where the file is absent the same comparison runs on fewer windows of the sample photos."""
    if shared is None:
        rows = example.windows(photos, each=20)
    else:
        rows = example.cifar10(shared / "cifar10" / "cifar10.npz", train=300, test=200)
    scores = example.compare(*rows)
    assert scores["both"] > max(scores["table"], 1 / 3)
    assert scores["both"] >= scores["photo"]
