"""Pads in front of convolutions and pools."""

from __future__ import annotations

import pytest

from edgefeat_export.graph.passes.merge_pads import merge_pads
from graph_notation import assert_becomes, assert_stays

MAP = "x: (n, 4, 11, 8)\n"
CONV = f"{MAP}w: weight(5, 4, 3, 3)\n"
PAD = "Pad({}, [0, 0, 1, 0, 0, 0, 2, 1])"
POOL = "kernel_shape=[3, 3], strides=[2, 2]"


@pytest.mark.parametrize("own", [[0, 0, 0, 0], [1, 1, 1, 1]])
def test_a_pad_with_zeros_is_added_to_what_the_convolution_pads(own: list[int]) -> None:
    before = f"{CONV}p = {PAD.format('x')}\ny = Conv(p, w, pads={own})"
    total = [own[0] + 1, own[1], own[2] + 2, own[3] + 1]
    assert_becomes(merge_pads, before, f"y = Conv(x, w, pads={total})")


@pytest.mark.parametrize(
    "pad",
    [
        pytest.param("Pad(x, [0, 0, 1, 0, 0, 0, 2, 1], 1.0)", id="with-ones"),
        pytest.param("Pad(x, [0, 0, -1, 0, 0, 0, 2, 0])", id="negative"),
        pytest.param("Pad(x, [0, 0, 1, 1, 0, 0, 1, 1], mode='reflect')", id="reflected"),
    ],
)
def test_other_pads_stay_before_a_convolution(pad: str) -> None:
    assert_stays(merge_pads, f"{CONV}p = {pad}\ny = Conv(p, w, pads=[0, 0, 0, 0])")


def test_added_channels_stay() -> None:
    source = f"{MAP}w: weight(5, 6, 3, 3)\np = Pad(x, [0, 1, 0, 0, 0, 1, 0, 0])\n"
    assert_stays(merge_pads, source + "y = Conv(p, w, pads=[0, 0, 0, 0])")


@pytest.mark.parametrize("source", ["Relu(x)", "Sigmoid(x)", "Clip(x, 0.0, 6.0)"])
def test_a_pad_merges_into_a_max_pool_of_what_cannot_be_negative(source: str) -> None:
    before = f"{MAP}a = {source}\np = {PAD.format('a')}\ny = MaxPool(p, {POOL}, pads=[0, 0, 0, 0])"
    after = f"a = {source}\ny = MaxPool(a, {POOL}, pads=[1, 0, 2, 1])"
    assert_becomes(merge_pads, before, after)


@pytest.mark.parametrize(
    ("source", "kernel", "own"),
    [
        pytest.param("Neg(x)", [3, 3], [0, 0, 0, 0], id="negative-numbers"),
        pytest.param("Clip(x, -1.0, 6.0)", [3, 3], [0, 0, 0, 0], id="clipped-below-zero"),
        pytest.param("Relu(x)", [2, 2], [0, 0, 0, 0], id="windows-of-padding-alone"),
        pytest.param("Relu(x)", [3, 3], [1, 1, 1, 1], id="padding-of-its-own"),
    ],
)
def test_a_pad_stays_before_other_max_pools(source: str, kernel: list[int], own: list[int]) -> None:
    pool = f"MaxPool(p, kernel_shape={kernel}, pads={own})"
    assert_stays(merge_pads, f"{MAP}a = {source}\np = {PAD.format('a')}\ny = {pool}")


@pytest.mark.parametrize(
    ("own", "counted"), [([0] * 4, 0), ([0] * 4, 1), ([1] * 4, 1), ([1] * 4, 0)]
)
def test_a_pad_before_an_average_pool_is_counted(own: list[int], counted: int) -> None:
    pad = "Pad(x, [0, 0, 1, 0, 0, 0, 1, 1])"
    pool = f"AveragePool(p, {POOL}, pads={own}, count_include_pad={counted})"
    source = f"{MAP}p = {pad}\ny = {pool}"
    if any(own) and not counted:
        assert_stays(merge_pads, source)
        return
    total = [own[0] + 1, own[1], own[2] + 1, own[3] + 1]
    after = f"y = AveragePool(x, {POOL}, pads={total}, count_include_pad=1)"
    assert_becomes(merge_pads, source, after)
