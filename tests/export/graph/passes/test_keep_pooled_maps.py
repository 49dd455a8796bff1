"""Pooled vectors that become maps of one pixel again."""

from __future__ import annotations

import pytest

from edgefeat_export.graph.passes.keep_pooled_maps import keep_pooled_maps
from graph_notation import assert_becomes, assert_stays


@pytest.mark.parametrize("pool", ["ReduceMean", "ReduceMax"])
def test_both_poolings_keep_their_axes(pool: str) -> None:
    before = (
        f"x: (n, 4, 8, 8)\na = {pool}(x, axes=[2, 3], keepdims=0)\ny = Reshape(a, [-1, 4, 1, 1])"
    )
    assert_becomes(keep_pooled_maps, before, f"y = {pool}(x, axes=[2, 3], keepdims=1)")


@pytest.mark.parametrize(
    ("pool", "target"),
    [
        pytest.param("axes=[2, 3], keepdims=1", "[-1, 4, 1, 1]", id="keeps-them-already"),
        pytest.param("axes=[1, 2], keepdims=0", "[-1, 4, 1, 1]", id="other-axes"),
        pytest.param("axes=[2, 3], keepdims=0", "[-1, 1, 1, 4]", id="channels-last"),
        pytest.param("axes=[2, 3], keepdims=0", "[-1, 2, 2, 1]", id="another-map"),
    ],
)
def test_others_stay(pool: str, target: str) -> None:
    source = f"x: (n, 4, 4, 4)\na = ReduceMean(x, {pool})\ny = Reshape(a, {target})"
    assert_stays(keep_pooled_maps, source)
