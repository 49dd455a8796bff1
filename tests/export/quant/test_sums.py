"""Scales under which quantized sums round alike on every CPU."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from edgefeat_export.quant.graph_to_int8 import quantize
from edgefeat_export.quant.sums import whole_part
from quant_networks import branches, mobile, photos

positive = st.floats(2**-10, 4, width=32)
level = st.integers(0, 255)


@given(scale=positive, total=positive)
def test_the_ratio_is_whole_parts_and_the_scale_hardly_moves(scale: float, total: float) -> None:
    found = whole_part(scale, total)
    assert is_whole(found, total)
    assert abs(found - scale) <= total / 2047


@settings(max_examples=20)
@given(scales=st.tuples(*[st.floats(0.1, 1.5)] * 2), zeros=st.tuples(level, level, level))
def test_no_two_levels_have_a_sum_that_rounding_decides(
    scales: tuple[float, float], zeros: tuple[int, int, int]
) -> None:
    """All pairs of levels: with and without fused multiply-add, halves up or to even."""
    ratios = np.array([whole_part(scale, 1.0) for scale in scales], np.float32)
    a, b = np.arange(256, dtype=np.float32)[:, None], np.arange(256, dtype=np.float32)[None]
    constant = np.float32(zeros[2] - (ratios[0] * zeros[0] + ratios[1] * zeros[1]))
    apart = (a * ratios[0] + constant) + b * ratios[1]
    fused = (a.astype(float) * ratios[0] + constant).astype(np.float32)
    fused = (b.astype(float) * ratios[1] + fused).astype(np.float32)
    np.testing.assert_array_equal(np.rint(apart), np.rint(fused))
    np.testing.assert_array_equal(np.rint(apart), np.floor(fused.astype(float) + 0.5))


@pytest.mark.parametrize("network", [mobile, branches])
def test_every_sum_of_a_quantized_network_agrees(network) -> None:
    graph = quantize(network(), photos()).graph
    constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    producer = {node.output[0]: node for node in graph.node}
    reader = {name: node for node in graph.node for name in node.input}
    sums = [node for node in graph.node if node.op_type == "Add"]
    assert sums
    for node in sums:
        total = constants[written(node, reader).input[1]]
        for name in node.input:
            assert is_whole(constants[producer[name].input[1]], total)


def written(node: onnx.NodeProto, reader: dict[str, onnx.NodeProto]) -> onnx.NodeProto:
    """The QuantizeLinear of a result, an activation in between or not."""
    after = reader[node.output[0]]
    return after if after.op_type == "QuantizeLinear" else written(after, reader)


def is_whole(scale: float | np.ndarray, total: float | np.ndarray) -> bool:
    parts = float(scale) / float(total) * 2047
    return abs(parts - round(parts)) < 1e-6 * parts
