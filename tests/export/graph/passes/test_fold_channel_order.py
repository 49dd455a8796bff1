"""The channel order of the picture and the first convolution."""

from __future__ import annotations

import pytest

from edgefeat_export.graph.passes.fold_channel_order import fold_channel_order
from graph_notation import assert_becomes, assert_stays


def test_any_order_folds_and_the_bias_stays() -> None:
    before = """
        x: (n, 4, 8, 8)
        w: weight(6, 4, 3, 3)
        bias: weight(6)
        a = Gather(x, [1, 2, 3, 0], axis=1)
        y = Conv(a, w, bias, strides=[2, 2])
        """
    assert_becomes(fold_channel_order, before, "y = Conv(x, w2, b, strides=[2, 2])")


@pytest.mark.parametrize(
    ("gather", "conv"),
    [
        pytest.param("[0, 1, 2, 2], axis=1", "group=1", id="a-channel-twice"),
        pytest.param("[3, 2, 1, 0], axis=2", "group=1", id="another-axis"),
        pytest.param("[3, 2, 1, 0], axis=1", "group=2", id="grouped"),
    ],
)
def test_what_is_no_order_of_the_channels_stays(gather: str, conv: str) -> None:
    channels = 2 if "2" in conv else 4
    assert_stays(
        fold_channel_order,
        f"""
        x: (n, 4, 4, 8)
        w: weight(6, {channels}, 3, 3)
        a = Gather(x, {gather})
        y = Conv(a, w, {conv})
        """,
    )
