"""Another cut has another name."""

from __future__ import annotations

import pytest

from edgefeat_export.cut.headless import taps_at
from edgefeat_export.pipeline.names import name_of_cut


@pytest.mark.parametrize(
    ("layers", "name"),
    [
        ([], "mine"),
        (["code"], "mine_code"),
        (["block5:gem", "Block/3"], "mine_block5_gem_block_3"),
        (["x" * 70], "mine_" + "x" * 51 + "_c71bd109"),
    ],
)
def test_the_layers_are_in_the_name(layers: list[str], name: str) -> None:
    assert name_of_cut("mine", taps_at(layers)) == name


def test_long_names_that_begin_alike_differ() -> None:
    one, two = (name_of_cut("mine", taps_at(["x" * 70, end])) for end in "ab")
    assert one != two
