"""One backbone of every family, from Keras to a clean graph that takes bytes; all if asked."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edgefeat_export.graph.audit import GraphReport, require_clean
from edgefeat_export.graph.convert import to_onnx
from edgefeat_export.graph.pipeline import clean
from edgefeat_export.graph.uint8_input import with_uint8_input
from edgefeat_export.networks.catalogue import BACKBONES
from graph_support import Array, relative_l2, run, scalings_as_one
from random_network import random_network

# What an engineer would write. Convolutions, activations, sums, concatenations and pools are the
# network's own (the papers' counts); Transpose, Cast and one Add or Sub are the picture's.
# BatchNormalization is left where a network normalises ahead of its ReLU.
EXPECTED: dict[str, dict[str, int]] = {
    "efficientnet_lite0": {
        "Add": 10,
        "Cast": 1,
        "Clip": 33,
        "Conv": 49,
        "ReduceMean": 1,
        "Transpose": 1,
    },
    "mobilenet": {"Add": 1, "Cast": 1, "Clip": 27, "Conv": 27, "ReduceMean": 1, "Transpose": 1},
    "mobilenet_v2": {"Add": 11, "Cast": 1, "Clip": 35, "Conv": 52, "ReduceMean": 1, "Transpose": 1},
    "mobilenet_v3_small": {
        "Add": 7,
        "Cast": 1,
        "Conv": 52,
        "HardSigmoid": 9,
        "HardSwish": 18,
        "Mul": 9,
        "ReduceMean": 10,
        "Relu": 14,
        "Transpose": 1,
    },
    "efficientnet_b0": {
        "Add": 9,
        "Cast": 1,
        "Conv": 81,
        "Mul": 65,
        "ReduceMean": 17,
        "Sigmoid": 65,
        "Transpose": 1,
    },
    "efficientnet_v2_b0": {
        "Add": 16,
        "Cast": 1,
        "Conv": 91,
        "Mul": 71,
        "ReduceMean": 17,
        "Sigmoid": 71,
        "Transpose": 1,
    },
    "nasnet_mobile": {
        "Add": 80,
        "AveragePool": 40,
        "BatchNormalization": 4,
        "Cast": 1,
        "Concat": 20,
        "Conv": 356,
        "MaxPool": 4,
        "Pad": 8,
        "ReduceMean": 1,
        "Relu": 132,
        "Slice": 4,
        "Transpose": 1,
    },
    "resnet50": {
        "Add": 16,
        "Cast": 1,
        "Conv": 53,
        "MaxPool": 1,
        "ReduceMean": 1,
        "Relu": 49,
        "Sub": 1,
        "Transpose": 1,
    },
    "resnet50_v2": {
        "Add": 17,
        "BatchNormalization": 17,
        "Cast": 1,
        "Conv": 53,
        "MaxPool": 4,
        "Pad": 1,
        "ReduceMean": 1,
        "Relu": 49,
        "Transpose": 1,
    },
    "densenet121": {
        "Add": 1,
        "AveragePool": 3,
        "BatchNormalization": 62,
        "Cast": 1,
        "Concat": 58,
        "Conv": 120,
        "MaxPool": 1,
        "ReduceMean": 1,
        "Relu": 121,
        "Transpose": 1,
    },
    "inception_v3": {
        "AveragePool": 9,
        "Cast": 1,
        "Concat": 11,
        "Conv": 94,
        "MaxPool": 4,
        "ReduceMean": 1,
        "Relu": 94,
        "Transpose": 1,
    },
    "inception_resnet_v2": {
        "Add": 40,
        "AveragePool": 1,
        "Cast": 1,
        "Concat": 43,
        "Conv": 244,
        "MaxPool": 4,
        "ReduceMean": 1,
        "Relu": 243,
        "Transpose": 1,
    },
    "xception": {
        "Add": 12,
        "Cast": 1,
        "Conv": 74,
        "MaxPool": 4,
        "ReduceMean": 1,
        "Relu": 35,
        "Transpose": 1,
    },
    "vgg16": {
        "Cast": 1,
        "Conv": 13,
        "MaxPool": 5,
        "ReduceMean": 1,
        "Relu": 13,
        "Sub": 1,
        "Transpose": 1,
    },
    "convnext_tiny": {
        "Add": 59,
        "BatchNormalization": 2,
        "Cast": 1,
        "Conv": 58,
        "Div": 41,
        "Erf": 18,
        "Mul": 59,
        "ReduceMean": 47,
        "Sqrt": 23,
        "Sub": 23,
        "Transpose": 1,
    },
}

FAMILIES = sorted(EXPECTED)


@pytest.mark.parametrize("name", FAMILIES)
def test_one_of_every_family_has_exactly_these_nodes_and_keras_features(
    name: str, photos: Path
) -> None:
    report, distance = convert(name, photos)
    assert distance < 1e-5
    assert scalings_as_one(report.ops) == scalings_as_one(EXPECTED[name])
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
    backbone = BACKBONES[name]
    size_hw = (max(backbone.min_size, 64), max(backbone.min_size, 64) + 16)
    model, normalisation = random_network(backbone, size_hw)
    graph = with_uint8_input(clean(to_onnx(model, ["features"])), normalisation)
    pixels = pictures(photos, size_hw)
    expected = np.asarray(model(normalisation.apply(pixels), training=False))
    (got,) = run(graph, {"image": pixels}, optimise=True)
    distance = max(relative_l2(a, b) for a, b in zip(got, expected, strict=True))
    return require_clean(graph), distance


def pictures(photos: Path, size_hw: tuple[int, int]) -> Array:
    frames = [cv2.imread(str(path)) for path in sorted(photos.glob("*.jpg"))]
    small = [cv2.resize(f, size_hw[::-1], interpolation=cv2.INTER_AREA) for f in frames]
    return np.ascontiguousarray(np.stack(small)[..., ::-1])
