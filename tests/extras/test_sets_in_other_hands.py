"""Sets in other libraries' hands: DataFrames, and lines held to the JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import polars as pl
import pytest

from edgefeat import FeatureSet
from edgefeat.options.output import Store
from edgefeat.sets.info import SetInfo
from edgefeat.sets.json_schema import json_schema
from edgefeat.sets.names import encode_name
from sets_support import ONE, SEVERAL, features_of, info_of, written_set

NAMES = ["a.jpg", "caf\udce9.jpg", "ü, 3.jpg"]


@pytest.fixture
def pictures(tmp_path: Path) -> FeatureSet:
    return written_set(tmp_path / "f.npz", info_of(), NAMES)


@pytest.fixture
def frames(tmp_path: Path) -> FeatureSet:
    return written_set(tmp_path / "t.npz", info_of(SEVERAL[:2], timed=True), [None] * 3)


def test_pandas_has_the_paths_as_its_index(pictures: FeatureSet) -> None:
    frame = pictures.to_frame("pandas")
    assert isinstance(frame, pd.DataFrame)
    assert frame.index.tolist() == [encode_name(name) for name in NAMES]
    assert frame.columns.tolist() == ["f0000", "f0001", "f0002", "f0003", "f0004"]
    assert np.array_equal(frame.to_numpy(), pictures.features)


def test_polars_has_a_column_of_paths(pictures: FeatureSet) -> None:
    frame = pictures.to_frame("polars")
    assert isinstance(frame, pl.DataFrame)
    assert frame.columns == ["path", "f0000", "f0001", "f0002", "f0003", "f0004"]
    assert frame["path"].to_list() == [encode_name(name) for name in NAMES]
    assert np.array_equal(frame.drop("path").to_numpy(), pictures.features)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_streams_facts_stand_before_its_numbers(frames: FeatureSet, library: str) -> None:
    frame = frames.to_frame(library)  # type: ignore[arg-type]
    columns = [name for name in frame.columns if name != "path"]
    assert columns[:6] == ["index", "source", "wall_time", "media_s", "age_ms", "dropped"]
    assert columns[6:11] == ["device", "camera", "session", "monotonic_s", "gap_s"]
    assert columns[11:14] == ["motion", "novelty", "change"]
    assert columns[14] == "output_features_0000"
    assert columns[-1] == "output_block/2:0_0002"
    assert list(frame["index"]) == [0, 3, 6]
    assert list(frame["dropped"]) == [0, 1, 2]


@pytest.mark.parametrize("store", list(Store), ids=str)
@pytest.mark.parametrize("timed", [False, True], ids=["pictures", "frames"])
@pytest.mark.parametrize("outputs", [ONE, SEVERAL], ids=["one", "several"])
def test_every_line_keeps_the_schema(
    tmp_path: Path, store: Store, timed: bool, outputs: tuple[object, ...]
) -> None:
    info: SetInfo = info_of(outputs, store=store, timed=timed)  # type: ignore[arg-type]
    written_set(tmp_path / "f.jsonl", info, [None, None] if timed else ["a.jpg", "caf\udce9.jpg"])
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    strict = {**schema, "additionalProperties": False}  # no key that the schema does not describe
    lines = (tmp_path / "f.jsonl").read_text().splitlines()
    assert len(lines) == 2
    for line in lines:
        jsonschema.validate(json.loads(line), strict)


def test_a_line_that_edgefeat_would_not_write_does_not(tmp_path: Path) -> None:
    written_set(tmp_path / "f.jsonl", info_of(timed=True), [None])
    line = json.loads((tmp_path / "f.jsonl").read_text())
    assert np.allclose(line["features"], features_of(info_of(), 0))
    wrong = [
        {**line, "index": -1},
        {**line, "features": "none"},
        {**line, "outputs": {"a": [1], "b": [2]}},
        {key: value for key, value in line.items() if key != "age_ms"},
        {key: value for key, value in line.items() if key != "features"},
    ]
    for one in wrong:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(one, json_schema())
