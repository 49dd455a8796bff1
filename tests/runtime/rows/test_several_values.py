"""Inputs of several values: as a list, by their own names, or as a table's columns in order."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import onnx_by_hand as by_hand
from column_models import SOURCE
from edgefeat import FeatureExtractor, FeatureSet, RowError
from edgefeat.cli.main import main
from edgefeat.model.columns import NumberInput
from edgefeat.model.fingerprint import fingerprint
from edgefeat.model.spec import ModelSpec, OutputKind, OutputSpec
from onnx_by_hand import node, value
from tests_support import join_model


def write(path: Path, column: NumberInput) -> Path:
    """Write a model whose features are its three numbers."""
    graph = by_hand.model(
        [node("Identity", "x", "features")],
        [],
        [value("x", "float32", 3)],
        [value("features", "float32", 3)],
    )
    said = (OutputSpec(name="features", kind=OutputKind.VECTOR, shape=(3,), source_layer="x"),)
    spec = ModelSpec(
        spec_version="2.0",
        name="three",
        precision="fp32",
        inputs=(column,),
        outputs=said,
        source=SOURCE,
        parity=None,
        probe=None,
        fingerprint=fingerprint(hashlib.sha256(graph).hexdigest(), (column,), said),
    )
    path.write_bytes(join_model(graph, {"edgefeat.spec": spec.to_json()}))
    return path


@pytest.fixture
def nameless(tmp_path: Path) -> FeatureExtractor:
    return FeatureExtractor(write(tmp_path / "nameless.onnx", NumberInput(name="x", size=3)))


@pytest.fixture
def named(tmp_path: Path) -> FeatureExtractor:
    column = NumberInput(name="x", size=3, columns=("a", "b", "c"))
    return FeatureExtractor(write(tmp_path / "named.onnx", column))


class Frame:
    """As little of a frame as it takes."""

    columns = ("p", "q", "r")

    def __len__(self) -> int:
        return 2

    def __getitem__(self, name: str) -> list[int]:
        start = self.columns.index(name)
        return [start, start + 3]


@pytest.mark.parametrize("kind", ["nameless", "named"])
def test_values_as_a_list(kind: str, request: pytest.FixtureRequest) -> None:
    fx: Any = request.getfixturevalue(kind)
    numbers = np.arange(6, dtype=np.float32).reshape(2, 3)
    for row in ({"x": [0, 1, 2]}, [0, 1, 2], (0, 1, 2), numbers[0], {"x": numbers[0]}):
        assert np.array_equal(fx.extract(row), numbers[0])
    for rows in (numbers, {"x": numbers}, [[0, 1, 2], [3, 4, 5]], numbers.astype(int)):
        assert np.array_equal(fx.extract_batch(rows), numbers)
    for given, message in {
        (1, 2): "column 'x': expected a list of 3 values, got a list of 2.",
        7: "column 'x': expected a list of 3 values, got the single 7.",
    }.items():
        with pytest.raises(RowError) as caught:
            fx.extract({"x": given})
        assert str(caught.value) == message
    with pytest.raises(RowError, match="row 0: column 'x': expected a list of 3 values"):
        fx.extract_batch(np.zeros((2, 4)))


def test_values_by_their_own_names(named: FeatureExtractor) -> None:
    row = {"c": 3, "a": 1, "b": 2}
    assert named.extract(row).tolist() == [1, 2, 3]
    assert (
        named.extract_batch({name: [n, n] for name, n in row.items()}).tolist() == [[1, 2, 3]] * 2
    )
    floats = {name: np.array([n, n], float) for name, n in row.items()}
    assert named.extract_batch(floats).tolist() == [[1, 2, 3]] * 2
    for wrong, message in (
        ({"a": 1, "b": 2}, "column 'c': expected it, and it is not there."),
        (row | {"b": "two"}, "column 'b': expected a number, got 'two'."),
        (
            row | {"x": [1, 2, 3]},
            "column 'x': expected either the column or its parts, got 'a' too.",
        ),
    ):
        with pytest.raises(RowError) as caught:
            named.extract(wrong)
        assert str(caught.value).startswith(message)


def test_a_tables_columns_are_taken_in_their_order_where_values_have_no_names(
    nameless: FeatureExtractor, named: FeatureExtractor
) -> None:
    with pytest.warns(UserWarning, match="3 columns are taken in their order as 'x'.*: p to r$"):
        found = nameless.extract_batch(Frame())
    assert found.tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(RowError, match="column 'a': expected it, and it is not there"):
        named.extract_batch(Frame())


def test_so_are_those_of_a_file(
    nameless: FeatureExtractor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = tmp_path / "t.csv", tmp_path / "f.npz"
    table.write_text("id,p,q,r\na,0,1,2\nb,3,x,5\nc,6,7,8.5\n")
    words = [str(table), "--key", "id", "--model", str(nameless.path), "-o", str(out)]
    assert main(["extract", *words]) == 1
    said = capsys.readouterr().err
    assert "3 columns are taken in their order as 'x', whose values have no names: p to r" in said
    assert "edgefeat: b: row 1: column 'x': expected a number, got 'x'" in said
    assert FeatureSet.read(out).features.tolist() == [[0, 1, 2], [6, 7, 8.5]]
