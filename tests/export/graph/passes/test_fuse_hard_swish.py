"""Hard sigmoid and hard swish from what TensorFlow writes for them."""

from __future__ import annotations

import pytest

from edgefeat_export.graph.passes.fuse_hard_swish import fuse_hard_swish
from graph_notation import assert_becomes, assert_stays, read

GATE = "x: (n, 4, 5, 6)\na = Add(x, 3.0)\nb = Clip(a, 0.0, 6.0)\nc = Mul(b, 0.16666667)\n"


@pytest.mark.parametrize("product", ["Mul(c, x)", "Mul(x, c)"])
def test_the_factors_stand_in_either_order(product: str) -> None:
    assert_becomes(fuse_hard_swish, f"{GATE}y = {product}", "y = HardSwish(x)")


def test_before_opset_14_there_is_only_hard_sigmoid() -> None:
    after = "c = HardSigmoid(x, beta=0.5)\ny = Mul(c, x)"
    assert_becomes(fuse_hard_swish, f"{GATE}y = Mul(c, x)", after, opset=13)


def test_another_factor_keeps_the_hard_sigmoid() -> None:
    before = f"{GATE}d = Exp(x)\ny = Mul(c, d)"
    assert_becomes(fuse_hard_swish, before, "c = HardSigmoid(x)\nd = Exp(x)\ny = Mul(c, d)")


@pytest.mark.parametrize(
    ("shift", "high", "scale"), [(3.0, 6.0, 0.2), (3.0, 5.0, 0.16666667), (2.0, 6.0, 0.16666667)]
)
def test_what_only_looks_like_hard_sigmoid_stays(shift: float, high: float, scale: float) -> None:
    source = f"x: (n, 4)\na = Add(x, {shift})\nb = Clip(a, 0.0, {high})\ny = Mul(b, {scale})"
    assert_stays(fuse_hard_swish, source)


def test_a_number_that_gives_the_result_more_axes_stays() -> None:
    example = read(
        "x: (n, 4)\nthree: weight(1, 1, 1)\na = Add(x, three)\n"
        "b = Clip(a, 0.0, 6.0)\ny = Mul(b, 0.16666667)"
    )
    example.constants["three"][...] = 3
    assert_stays(fuse_hard_swish, example)


def test_another_hard_sigmoid_times_its_input_stays() -> None:
    assert_stays(fuse_hard_swish, "x: (n, 4)\na = HardSigmoid(x, alpha=0.2)\ny = Mul(a, x)")
