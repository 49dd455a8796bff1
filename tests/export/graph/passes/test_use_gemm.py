"""Products of vectors and constant matrices."""

from __future__ import annotations

import pytest

from edgefeat_export.graph.passes.use_gemm import use_gemm
from graph_notation import assert_stays


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("x: (n, 5, 4)\nw: weight(4, 6)\ny = MatMul(x, w)", id="a-map"),
        pytest.param("x: (n, 4)\nw: weight(4)\ny = MatMul(x, w)", id="a-vector"),
        pytest.param("x: (n, 4)\nw: weight(4, 4)\nv = Exp(w)\ny = MatMul(x, v)", id="computed"),
        pytest.param("x: (4, 4)\nw: weight(6, 4)\ny = MatMul(w, x)", id="the-matrix-first"),
    ],
)
def test_other_products_stay(source: str) -> None:
    assert_stays(use_gemm, source)
