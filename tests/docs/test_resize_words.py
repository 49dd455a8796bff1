"""The resize as `docs/resize.md` words it is the runtime's, byte for byte."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from edgefeat.model.probe import probe_image
from edgefeat.pictures.resize import antialias

DOCS = Path(__file__).parents[2] / "docs"


def load(name: str) -> ModuleType:
    """Import a program that stands beside the pages."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("size_hw", "target_hw"),
    [
        ((480, 640), (224, 224)),
        ((600, 800), (224, 224)),
        ((427, 640), (224, 224)),
        ((333, 500), (96, 64)),
        ((1500, 2000), (224, 224)),
        ((90, 700), (224, 224)),
        ((1, 1), (7, 5)),
        *(
            (tuple(size), tuple(target))
            for size, target in zip(
                np.random.default_rng(1).integers(20, 600, (20, 2)).tolist(),
                np.random.default_rng(2).integers(16, 300, (20, 2)).tolist(),
                strict=True,
            )
        ),
    ],
    ids=str,
)
def test_the_words_are_the_runtimes_bytes(
    size_hw: tuple[int, int], target_hw: tuple[int, int]
) -> None:
    picture = probe_image(3, size_hw)
    picture += np.random.default_rng(4).integers(0, 40, picture.shape, np.uint8)
    assert np.array_equal(load("resize_reference").resize(picture, target_hw),
                          antialias(picture, target_hw))  # fmt: skip


def test_the_vectors_of_the_page_are_todays() -> None:
    assert load("make_resize_vectors").vectors() == (DOCS / "resize_vectors.md").read_text()
