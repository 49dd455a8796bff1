"""Photos for teaching: parts of the three sample photos, each a class."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edgefeat.model.shipped import sample_photos

PICTURES = 6


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six parts of each sample photo, in a folder of its name."""
    root, draw = tmp_path_factory.mktemp("taught") / "photos", np.random.default_rng(0)
    for path in sample_photos():
        photo, folder = cv2.imread(str(path)), root / path.stem
        folder.mkdir(parents=True)
        height, width = photo.shape[:2]
        for number in range(PICTURES):
            top, left = draw.integers(0, height // 2), draw.integers(0, width // 2)
            part = photo[top : top + height // 2, left : left + width // 2]
            cv2.imwrite(str(folder / f"{number}.png"), part)
    return root
