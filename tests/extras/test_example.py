"""The worked example: photos and tabular columns score better together than either alone."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pandas as pd
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


def gain(example: ModuleType, rows: tuple[pd.DataFrame, pd.DataFrame]) -> tuple[float, float]:
    """Return by how many held-out rows both together beat the better of the two, and the worse."""
    scores, count = example.compare(*rows), len(rows[1])
    alone = sorted([scores["photo"], scores["table"]])
    return (scores["both"] - alone[1]) * count, (scores["both"] - alone[0]) * count


# Float kernels differ between CPUs, and a few rows near a border fall to one side or the other.
FEW_ROWS = 3


def test_windows_of_the_sample_photos(example: ModuleType, photos: Path) -> None:
    over_the_better, over_the_worse = gain(example, example.windows(photos))
    assert over_the_better >= -FEW_ROWS
    assert over_the_worse >= 2 * FEW_ROWS


def test_cifar10(example: ModuleType, shared: Path | None, photos: Path) -> None:
    """Where the file is absent the same comparison runs on other windows of the sample photos."""
    if shared is None:
        rows = example.windows(photos, each=30)
    else:
        rows = example.cifar10(shared / "cifar10" / "cifar10.npz", train=300, test=200)
    over_the_better, over_the_worse = gain(example, rows)
    assert over_the_better >= -FEW_ROWS
    assert over_the_worse >= 2 * FEW_ROWS
