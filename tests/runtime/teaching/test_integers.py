"""Whole numbers in float64: any order of the sum gives the same score."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgefeat.teaching.integers import grid_of, rounded_map


@pytest.mark.parametrize("dim", [3, 1280, 70_000])
@pytest.mark.parametrize("size", [1e-6, 6.0, 1e6])
def test_no_sum_is_rounded_whatever_its_order(dim: int, size: float) -> None:
    draw = np.random.default_rng(dim)
    shown = (size * draw.random((2, dim))).astype(np.float32)
    grid = grid_of(shown)
    linear = rounded_map(draw.normal(size=(dim, 2)), draw.normal(size=2), grid)
    asked = np.concatenate([shown, np.full((1, dim), np.float32(1e30))])  # cut at the limit
    whole = grid(asked)
    scores = linear(whole)
    order = draw.permutation(dim)
    assert np.array_equal((whole[:, order] @ linear.weights[order] + linear.bias), scores)
    exact = whole.astype(np.int64).astype(object) @ linear.weights.astype(object)
    exact += np.array([int(one) for one in linear.bias], object)
    assert [[int(got) for got in row] for row in scores] == exact.tolist()
    assert max(abs(one) for row in exact.tolist() for one in row) < 2**53


def test_scores_are_those_of_the_numbers_that_are_meant() -> None:
    draw = np.random.default_rng(0)
    rows = (5 * draw.random((50, 1280))).astype(np.float32)
    weights, bias = draw.normal(size=(1280, 3)), draw.normal(size=3)
    grid = grid_of(rows)
    linear = rounded_map(weights, bias, grid)
    meant = rows @ weights + bias
    assert linear(grid(rows)) / linear.unit == pytest.approx(meant, abs=2e-4 * np.abs(meant).max())


def test_the_grid_is_a_power_of_two() -> None:
    grid = grid_of(np.array([[3.0, 7.5]]))
    assert math.log2(grid.scale).is_integer()
    assert 2**16 < 7.5 * grid.scale <= 2**17
    assert grid(np.array([[0.0, -1e9]]))[0].tolist() == [0.0, -grid.limit]
