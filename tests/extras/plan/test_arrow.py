"""Batches of pictures in Arrow's form: the same vectors as one machine's, a row for every row."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import edgefeat
from edgefeat.arrow import Featurise
from edgefeat.errors import ModelError, OptionError
from edgefeat.model.shipped import default_model_path


def table(*, as_paths: bool = False) -> pa.Table:
    paths = sorted(str(path) for path in Path("photos").rglob("*.[pj]*g"))
    pictures = paths if as_paths else [Path(path).read_bytes() for path in paths]
    names = [*paths, "none"]
    return pa.table({"path": names, "pic": [*pictures, None], "n": range(len(names))})


@pytest.mark.parametrize("as_paths", [False, True], ids=["bytes", "paths"])
def test_a_table_is_featurised(corpus: Path, as_paths: bool) -> None:
    given = table(as_paths=as_paths)
    work = Featurise(image="pic", keep=["n", "path"])
    made = work(given)
    assert made.column_names == ["n", "path", "features", "error", "damage"]
    assert made["path"].to_pylist() == given["path"].to_pylist()
    errors = made["error"].to_pylist()
    assert errors[-1] == "null, no picture."
    bad = given["path"].to_pylist().index("photos/b/bad.jpg")
    assert errors[bad].startswith("not a picture of a known format")
    assert sum(error is not None for error in errors) == 2
    with edgefeat.FeatureExtractor() as extractor:
        for row, path in enumerate(given["path"].to_pylist()):
            vector = made["features"][row].as_py()
            if errors[row] is None:
                assert np.array_equal(np.float32(vector), extractor.extract(path))
            else:
                assert vector is None


def test_a_batch_stays_a_batch_and_workers_change_nothing(corpus: Path) -> None:
    (batch,) = table().combine_chunks().to_batches()
    one, two = (Featurise(image="pic", workers=count)(batch) for count in (1, 2))
    assert isinstance(one, pa.RecordBatch)
    assert one.equals(two)
    assert Featurise(image="pic")(batch.slice(0, 0)).num_rows == 0


def test_what_is_written_is_read_as_a_set(corpus: Path) -> None:
    work = Featurise(image="pic", keep=["path"])
    Path("made").mkdir()
    made = work(table())
    pq.write_table(made.slice(0, 5), "made/a.parquet")
    pq.write_table(made.slice(5), "made/b.parquet")
    with pytest.warns(UserWarning, match="2 pictures have an error"):
        found = edgefeat.FeatureSet.read("made")
    assert len(found) == len(made) - 2
    assert found.info.fingerprint == work.fingerprint


def test_it_travels_with_its_model(corpus: Path) -> None:
    content = default_model_path().read_bytes()
    work = pickle.loads(pickle.dumps(Featurise(content, image="pic")))  # noqa: S301 - our own bytes
    assert work(table())["features"].equals(Featurise(image="pic")(table())["features"])


def test_another_model_in_a_worker_is_refused(corpus: Path) -> None:
    work = Featurise(image="pic", expect="0" * 64)
    with pytest.raises(ModelError, match="expected 000000000000"):
        work(table())


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"image": "other"}, "no column 'other'"),
        ({"image": "pic", "keep": ["nope"]}, "no column 'nope'"),
        ({"image": "n"}, "expected bytes of pictures or paths, got int"),
        ({"image": "pic", "keep": ["error"]}, "is a column that is made"),
    ],
)
def test_columns_that_do_not_fit_are_named(
    corpus: Path, options: dict[str, object], problem: str
) -> None:
    with pytest.raises(OptionError, match=problem):
        Featurise(**options)(table())  # type: ignore[arg-type]
