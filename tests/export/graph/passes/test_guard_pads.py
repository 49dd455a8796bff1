"""Why a Pad in front of a pool is filled with minus zero."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from edgefeat_export.graph.passes.guard_pads import guard_pads
from graph_notation import assert_stays, read
from graph_support import relative_l2, run

POOLED = """
x: (n, 4, 11, 8)
p = Pad(x, [0, 0, 1, 0, 0, 0, 2, 1], 0.0)
y = MaxPool(p, kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 0, 0])
"""


def test_onnxruntime_before_1_32_merges_that_pad_unless_guarded() -> None:
    """Why the guard is there; it may go with support for the last version that needs it."""
    example = read(POOLED)
    feeds = {"x": example.feeds()["x"] - np.float32(4)}  # mostly negative: zeros would win
    model = example.model()
    (plain,), (fused,) = run(model, feeds), run(model, feeds, optimise=True)
    version = tuple(map(int, onnxruntime.__version__.split(".")[:2]))
    assert (relative_l2(fused, plain) > 1e-2) == (version < (1, 32))


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(POOLED.replace("0.0)", "-0.0)"), id="guarded"),
        pytest.param(POOLED.replace("0.0)", "1.0)"), id="filled-with-ones"),
        pytest.param(POOLED.replace("y = MaxPool(p", "b = Relu(p)\ny = MaxPool(b"), id="apart"),
    ],
)
def test_other_pads_stay(source: str) -> None:
    assert_stays(
        guard_pads, source.replace("MaxPool(p", "MaxPool(b") if "Relu" in source else source
    )
