"""Scales and shifts in front of a convolution."""

from __future__ import annotations

import numpy as np
import pytest

from edgefeat_export.graph.passes.fold_affine_before import fold_affine_before
from graph_notation import assert_becomes, assert_stays, read

DECLARED = """
x: (n, 6, 9, 7)
w: weight(6, 6, 3, 3)
third: weight(6, 2, 3, 3)
s: weight(1, 6, 1, 1)
gamma: weight(6)
beta: weight(6)
mean: weight(6)
variance: weight(6)
"""
NORM = "a = BatchNormalization(x, gamma, beta, mean, variance)\n"


def test_the_scale_folds_into_a_padded_convolution_and_the_border_stays_exact() -> None:
    before = f"{DECLARED}{NORM}y = Conv(a, w, pads=[1, 1, 1, 1])"
    after = "a = Add(x, offset)\ny = Conv(a, w2, pads=[1, 1, 1, 1])"
    assert_becomes(fold_affine_before, before, after)


@pytest.mark.parametrize(("weight", "groups"), [("w", 1), ("third", 3)])
def test_scale_and_shift_fold_into_an_unpadded_convolution(weight: str, groups: int) -> None:
    before = f"{DECLARED}{NORM}y = Conv(a, {weight}, group={groups})"
    assert_becomes(fold_affine_before, before, f"y = Conv(x, w2, b, group={groups})")


def test_a_shift_alone_stays_before_a_padded_convolution() -> None:
    assert_stays(fold_affine_before, f"{DECLARED}a = Add(x, s)\ny = Conv(a, w, pads=[1, 1, 1, 1])")


def test_a_shift_with_a_scale_of_zero_stays_before_a_padded_convolution() -> None:
    example = read(f"{DECLARED}{NORM}y = Conv(a, w, pads=[1, 1, 1, 1])")
    example.constants["gamma"][2] = np.float32(0)
    assert_stays(fold_affine_before, example)


def test_what_is_read_by_more_than_the_convolution_stays() -> None:
    assert_stays(fold_affine_before, f"{DECLARED}a = Mul(x, s)\ny = Conv(a, w)\nz = Relu(a)")


@pytest.mark.parametrize(("maps", "kernel"), [("4, 9", "5, 4, 3"), ("4, 5, 6, 7", "5, 4, 3, 3, 3")])
@pytest.mark.parametrize("padded", [True, False])
def test_convolutions_over_one_and_three_axes_fold_alike(
    maps: str, kernel: str, padded: bool
) -> None:
    norm = "gamma: weight(4)\nbeta: weight(4)\nmean: weight(4)\nvariance: weight(4)\n"
    pads = [int(padded)] * 2 * (kernel.count(",") - 1)
    before = f"x: (n, {maps})\nw: weight({kernel})\n{norm}{NORM}y = Conv(a, w, pads={pads})"
    after = f"y = Conv(x, w2, b, pads={pads})"
    if padded:
        after = f"a = Add(x, offset)\ny = Conv(a, w2, pads={pads})"
    assert_becomes(fold_affine_before, before, after)
