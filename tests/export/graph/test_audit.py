"""The report on a graph, and the refusal of one that is not clean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, helper

from edgefeat_export.errors import ConversionError
from edgefeat_export.graph.audit import audit, require_clean
from edgefeat_export.graph.pipeline import clean
from graph_support import make_model

WEIGHT = np.ones((3, 3, 3, 3), np.float32)


def node(op: str, *inputs: str, out: str = "y", **attrs: Any) -> NodeProto:
    return helper.make_node(op, list(inputs), [out], **attrs)


def dirty() -> ModelProto:
    nodes = [
        node("Transpose", "x", out="t", perm=[0, 3, 1, 2]),
        node("Conv", "t", "w", out="c", pads=[1] * 4),
        node("Mul", "c", "s", out="m"),
        node("Identity", "m", out="i"),
        node("Transpose", "i", out="u", perm=[0, 2, 3, 1]),
        node("Relu", "u", out="r"),
        node("Transpose", "r", out="v", perm=[0, 3, 1, 2]),
        node("Pad", "v", "pads", out="p"),
        node("Conv", "p", "w", out="k", pads=[0] * 4),
        node("Transpose", "k", perm=[0, 2, 3, 1]),
    ]
    constants = {"w": WEIGHT, "s": np.full((3, 1, 1), 2, np.float32)}
    pads = {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64)}
    shape = {"x": ("batch", 8, 8, 3)}
    return make_model(nodes, shape, {"y": ("batch", 8, 8, 3)}, constants | pads)


def test_the_report_says_what_is_left_and_where() -> None:
    report = audit(dirty())
    assert report.nodes == 10
    assert (report.transposes_at_input, report.transposes_at_output) == (1, 1)
    assert report.transposes_inside == 2
    assert report.unfolded == ("m",)
    assert report.idle == ("i",)
    assert report.separate_pads == ("p",)
    assert report.float_parameters == 84
    assert next(iter(report.ops)) == "Transpose"


def test_a_dirty_graph_is_refused_with_all_that_is_left() -> None:
    with pytest.raises(ConversionError) as caught:
        require_clean(dirty())
    assert str(caught.value) == (
        "graph 'handmade': expected a clean graph (one Transpose at the input, everything foldable "
        "folded), got 2 Transposes inside; scales or shifts beside a convolution ['m']; nodes that "
        "compute nothing ['i']; Pads before a convolution ['p']. A layer is used in a way that the "
        "graph passes do not know: cut the model before it, or report the model."
    )


def test_the_same_graph_passes_once_cleaned() -> None:
    report = require_clean(clean(dirty()))
    assert report.ops == {"Conv": 2, "Transpose": 2, "Relu": 1}
    assert report.transposes == 2
