"""JSON becomes records; a fault is named by its path, which grows from the inside out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from edgefeat.errors import OptionError
from edgefeat.model import codec


@dataclass(frozen=True, kw_only=True)
class Leaf:
    size: int
    label: str = "none"

    def __post_init__(self) -> None:
        if self.size < 0:
            raise OptionError(f"expected 0 or more, got {self.size}", option="size")
        if self.label == "odd":
            raise ValueError("an odd label")


@dataclass(frozen=True, kw_only=True)
class Tree:
    leaves: tuple[Leaf, ...] = ()
    named: Mapping[str, Leaf]
    rows: tuple[tuple[int, ...], ...] = ()


@pytest.mark.parametrize(
    ("document", "where", "problem"),
    [
        (3, "top level", "expected an object, got 3"),
        ({}, "named", "expected an object, got nothing"),
        ({"named": {"a": []}}, "named.a", "expected an object, got []"),
        ({"named": {"a": {"size": "x"}}}, "named.a.size", "expected an integer, got 'x'"),
        ({"named": {"a": {"size": -1}}}, "named.a.size", "expected 0 or more, got -1"),
        ({"named": {"a": {"size": 1, "label": "odd"}}}, "named.a", "an odd label"),
        (
            {"named": {}, "leaves": [{"size": 1}, {}]},
            "leaves[1].size",
            "expected an integer, got nothing",
        ),
        ({"named": {}, "rows": [[1], [2, None]]}, "rows[1][1]", "expected an integer, got nothing"),
    ],
)
def test_a_fault_has_a_path_and_a_problem(document: Any, where: str, problem: str) -> None:
    with pytest.raises(codec.CodecError) as caught:
        codec.read(Tree, document)
    assert (caught.value.where, caught.value.problem) == (where, problem)
    assert str(caught.value) == f"{where}: {problem}."


def test_what_is_written_is_read_again() -> None:
    tree = Tree(leaves=(Leaf(size=1),), named={"a": Leaf(size=2, label="b")}, rows=((1, 2), ()))
    assert codec.read(Tree, codec.write(tree)) == tree
