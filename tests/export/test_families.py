"""One backbone of every family, from Keras to a clean graph that takes bytes; all if asked."""

from __future__ import annotations

from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from edgefeat_export.backbones import load_backbone
from edgefeat_export.catalogue import BACKBONES
from edgefeat_export.convert import to_onnx
from edgefeat_export.graph.audit import GraphReport, require_clean
from edgefeat_export.graph.pipeline import clean
from edgefeat_export.headless import Pooling, Tap, cut
from edgefeat_export.uint8_input import with_uint8_input
from graph_support import Array, relative_l2, run

# What an engineer would write, counted once by hand-checked run. Convolutions, activations, sums,
# concatenations and pools are the network's own; Transpose, Cast and the first Add or Sub are the
# picture's. BatchNormalization is left where a network normalises before its ReLU.
EXPECTED: dict[str, dict[str, int]] = {}

FAMILIES = sorted(EXPECTED)


@pytest.mark.parametrize("name", FAMILIES)
def test_one_of_every_family_has_exactly_these_nodes_and_keras_features(
    name: str, photos: Path
) -> None:
    report, distance = convert(name, photos)
    assert distance < 1e-5
    assert dict(report.ops) == EXPECTED[name]
    assert report.transposes == report.transposes_at_input == 1


def test_every_family_is_represented() -> None:
    wanted = {backbone.family for backbone in BACKBONES.values()}
    assert {BACKBONES[name].family for name in FAMILIES} == wanted


@pytest.mark.full
@pytest.mark.parametrize("name", sorted(set(BACKBONES) - set(FAMILIES)))
def test_all_others_are_as_clean_and_as_exact(name: str, photos: Path) -> None:
    report, distance = convert(name, photos)
    assert distance < 1e-5
    assert report.transposes == report.transposes_at_input == 1


def convert(name: str, photos: Path) -> tuple[GraphReport, float]:
    """The cleaned graph's report, and its worst distance from Keras over the sample photos."""
    side = max(BACKBONES[name].min_size, 64)
    loaded = load_backbone(name, weights="none", size_hw=(side, side + 16))
    model = cut(loaded.model, [Tap(layer=None, pooling=Pooling.AVG)]).model
    graph = with_uint8_input(clean(to_onnx(model, ["features"])), loaded.normalisation)
    pixels = pictures(photos, loaded.size_hw)
    floats = loaded.normalisation.apply(pixels)
    expected = np.asarray(keras.tree.flatten(model(floats, training=False))[0])
    (got,) = run(graph, {"image": pixels}, optimise=True)
    distance = max(relative_l2(a, b) for a, b in zip(got, expected, strict=True))
    return require_clean(graph), distance


def pictures(photos: Path, size_hw: tuple[int, int]) -> Array:
    frames = [cv2.imread(str(path)) for path in sorted(photos.glob("*.jpg"))]
    small = [cv2.resize(f, size_hw[::-1], interpolation=cv2.INTER_AREA) for f in frames]
    return np.ascontiguousarray(np.stack(small)[..., ::-1])
