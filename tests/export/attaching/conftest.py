"""Rows with photos: parts of the sample photos, with columns beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from edgefeat.model.shipped import default_model, sample_photos

Frame = Any


@pytest.fixture(scope="session")
def model() -> str:
    return default_model()


@pytest.fixture(scope="session")
def frame(tmp_path_factory: pytest.TempPathFactory) -> Frame:
    """27 rows of three kinds: a photo, numbers with gaps, Unix times, two columns of words."""
    root, draw = tmp_path_factory.mktemp("rows"), np.random.default_rng(0)
    rows = []
    for number in range(27):
        path = sample_photos()[number % 3]
        photo = cv2.imread(str(path))
        height, width = photo.shape[:2]
        top, left = draw.integers(0, height // 2), draw.integers(0, width // 2)
        place = root / f"{number}.png"
        cv2.imwrite(str(place), photo[top : top + height // 2, left : left + width // 2])
        rows.append(
            {
                "path": str(place),
                "kind": path.stem,
                "width": draw.normal(100, 30),
                "price": float("nan") if number % 7 == 3 else draw.normal(),
                "when": 1.7e9 + draw.integers(0, 10**7) + 0.5,
                "shop": ("Rome", "Köln", "東京", "Rome")[draw.integers(4)],
                "size": ("s", "m", "l")[number % 3 if number % 2 else draw.integers(3)],
            }
        )
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def parts(frame: Frame) -> tuple[Frame, Frame]:
    """Rows to fit on, and rows to compare on."""
    return frame.iloc[:18], frame.iloc[18:].reset_index(drop=True)


Attach = Callable[..., Any]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.onnx"
