"""Automatic padding as numbers."""

from __future__ import annotations

import pytest

from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.passes.drop_dead import drop_dead
from edgefeat_export.graph.passes.make_pads_explicit import make_pads_explicit
from graph_notation import assert_becomes, assert_stays, read

PADS = {"SAME_UPPER": [1, 0, 1, 1], "SAME_LOWER": [1, 1, 1, 0], "VALID": [0, 0, 0, 0]}


@pytest.mark.parametrize("mode", PADS)
@pytest.mark.parametrize(
    "call",
    [
        "Conv(x, w, strides=[2, 2], {})",
        "MaxPool(x, kernel_shape=[3, 3], strides=[2, 2], {})",
        "AveragePool(x, kernel_shape=[3, 3], strides=[2, 2], {})",
    ],
)
def test_automatic_padding_becomes_numbers(mode: str, call: str) -> None:
    declared = "x: (n, 4, 11, 8)\n" + "w: weight(5, 4, 3, 3)\n" * call.startswith("Conv")
    before = f"{declared}y = {call.format(f'auto_pad={mode!r}')}"
    assert_becomes(make_pads_explicit, before, f"y = {call.format(f'pads={PADS[mode]}')}")


def test_a_dilated_window_reaches_further() -> None:
    """ONNX Runtime refuses to compute this padding by itself, so nothing is run here."""
    declared = "x: (n, 4, 11, 8)\nw: weight(5, 4, 3, 3)\n"
    before = read(f"{declared}y = Conv(x, w, dilations=[2, 3], auto_pad='SAME_UPPER')")
    after = read(f"{declared}y = Conv(x, w, pads=[2, 3, 2, 3])")
    graph = Graph(before.model())
    make_pads_explicit(graph)
    drop_dead(graph)
    after.require_in(graph)


def test_no_padding_at_all_is_written_as_zeros() -> None:
    before = "x: (n, 4, 11, 8)\nw: weight(5, 4, 3, 3)\ny = Conv(x, w)"
    assert_becomes(make_pads_explicit, before, "y = Conv(x, w, pads=[0, 0, 0, 0])")


def test_numbers_stay_and_so_does_same_padding_of_an_unknown_size() -> None:
    assert_stays(
        make_pads_explicit,
        "x: (n, 4, 11, 8)\nw: weight(5, 4, 3, 3)\ny = Conv(x, w, pads=[1, 1, 1, 1])",
    )
    assert_stays(
        make_pads_explicit,
        "x: (n, 4, h, 8)\nw: weight(5, 4, 3, 3)\ny = Conv(x, w, auto_pad='SAME_UPPER')",
    )


def test_windows_over_one_and_three_axes_are_padded_on_all_of_them() -> None:
    before = "x: (n, 2, 9)\ny = MaxPool(x, kernel_shape=[2])"
    assert_becomes(make_pads_explicit, before, "y = MaxPool(x, kernel_shape=[2], pads=[0, 0])")
    before = "x: (n, 2, 8, 8, 8)\nw: weight(3, 2, 3, 3, 3)\ny = Conv(x, w, auto_pad='SAME_UPPER')"
    assert_becomes(make_pads_explicit, before, "y = Conv(x, w, pads=[1, 1, 1, 1, 1, 1])")
