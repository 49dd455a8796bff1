"""Small models with a head whose answers anybody can compute by hand, written without `onnx`.

    python tests/support/answering_models.py

writes tests/data/judge.onnx, which calls a photo light or dark, above a level that its row gives.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

import onnx_by_hand as by_hand
from column_models import SOURCE
from edgefeat.model.columns import NumberInput
from edgefeat.model.fingerprint import fingerprint
from edgefeat.model.spec import AnyInput, InputSpec, ModelSpec, OutputKind, OutputSpec
from onnx_by_hand import constant, node, value
from tests_support import join_model

PLACE = Path(__file__).parents[1] / "data" / "judge.onnx"
SIDE = 8
CLASSES = ("dark", "light")
BACKBONE = "b" * 64
PICTURE = InputSpec(size_hw=(SIDE, SIDE))
LEVEL = NumberInput(name="level")


def answers_of(mean: float, level: float) -> tuple[str, float]:
    """Return the label and the probability of `light` for a picture's mean and a level.

    The picture's features are its mean colour; it is light where the first is above the level.
    """
    chance = 1 / (1 + np.exp(-(mean - level)))
    return CLASSES[int(chance > 0.5)], float(chance)


def write_judge(
    path: Path, *, column: bool = True, picture: bool = True, **changes: Any
) -> ModelSpec:
    """Write a model that calls a picture light or dark, above a level that each row gives.

    Args:
        path: Place of the file.
        column: Whether it takes the level beside the picture; else it is 100.
        picture: Whether it takes a picture; else `features` are the level, three times.
        changes: Fields of the spec that are to differ.
    """
    steps, constants = [], []
    if picture:
        steps += [
            node("Cast", "image", "float", attributes={"to": 1}),
            node("Transpose", "float", "planes", attributes={"perm": (0, 3, 1, 2)}),
            node("GlobalAveragePool", "planes", "means"),
            node("Flatten", "means", "features"),
        ]
    else:
        steps += [node("Concat", "level level level", "features", attributes={"axis": 1})]
    level = "level" if column and picture else "usual"
    if level == "usual":
        constants.append(constant("usual", np.array([[100.0]], np.float32)))
    constants += [
        constant("start", np.array([0], np.int64)),
        constant("end", np.array([1], np.int64)),
        constant("axis", np.array([1], np.int64)),
        constant("one", np.array([[1.0]], np.float32)),
    ]
    steps += [
        node("Slice", "features start end axis", "mean"),
        node("Sub", f"mean {level}", "above"),
        node("Sigmoid", "above", "light"),
        node("Sub", "one light", "dark"),
        node("Concat", "dark light", "probabilities", attributes={"axis": 1}),
        node("ArgMax", "probabilities", "label", attributes={"axis": 1, "keepdims": 0}),
    ]
    inputs = [value("image", "uint8", SIDE, SIDE, 3)] if picture else []
    inputs += [value("level", "float32", 1)] if column else []
    outputs = [
        value("features", "float32", 3),
        value("label", "int64"),
        value("probabilities", "float32", 2),
    ]
    graph = by_hand.model(steps, constants, inputs, outputs)
    taken: list[AnyInput] = [PICTURE] if picture else []
    described = (*taken, LEVEL) if column else tuple(taken)
    said = (
        OutputSpec(name="features", kind=OutputKind.VECTOR, shape=(3,), source_layer="means"),
        OutputSpec(
            name="label", kind=OutputKind.LABEL, shape=(), source_layer="judge", classes=CLASSES
        ),
        OutputSpec(
            name="probabilities",
            kind=OutputKind.PROBABILITIES,
            shape=(2,),
            source_layer="judge",
            classes=CLASSES,
        ),
    )
    spec = ModelSpec(
        spec_version="2.0",
        name="judge",
        precision="fp32",
        inputs=described,
        outputs=said,
        source=SOURCE,
        parity=None,
        probe=changes.pop("probe", None),
        fingerprint=fingerprint(hashlib.sha256(graph).hexdigest(), described, said),
        features_fingerprint=BACKBONE,
        **changes,
    )
    path.write_bytes(join_model(graph, {"edgefeat.spec": spec.to_json()}))
    return spec


def write_mixed(path: Path) -> ModelSpec:
    """Write a network without a head whose features are a picture's mean colour and a level."""
    steps = [
        node("Cast", "image", "float", attributes={"to": 1}),
        node("Transpose", "float", "planes", attributes={"perm": (0, 3, 1, 2)}),
        node("GlobalAveragePool", "planes", "means"),
        node("Flatten", "means", "colour"),
        node("Concat", "colour level", "features", attributes={"axis": 1}),
    ]
    inputs = [value("image", "uint8", SIDE, SIDE, 3), value("level", "float32", 1)]
    graph = by_hand.model(steps, [], inputs, [value("features", "float32", 4)])
    described: tuple[AnyInput, ...] = (PICTURE, LEVEL)
    said = (
        OutputSpec(name="features", kind=OutputKind.VECTOR, shape=(4,), source_layer="by hand"),
    )
    spec = ModelSpec(
        spec_version="2.0",
        name="mixed",
        precision="fp32",
        inputs=described,
        outputs=said,
        source=SOURCE,
        parity=None,
        probe=None,
        fingerprint=fingerprint(hashlib.sha256(graph).hexdigest(), described, said),
    )
    path.write_bytes(join_model(graph, {"edgefeat.spec": spec.to_json()}))
    return spec


if __name__ == "__main__":
    write_judge(PLACE)
