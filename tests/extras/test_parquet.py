"""Parquet sets: what pandas, Polars, DuckDB and edgefeat itself read back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from edgefeat import FeatureSet, SinkError
from edgefeat.sets.base import SetInfo
from edgefeat.sets.encoding import Store
from edgefeat.sets.formats import open_sink

DIM, COUNT = 8, 2500  # more than two row groups
ROWS = np.random.default_rng(5).normal(size=(COUNT, DIM)).astype(np.float32)
NAMES = [f"ü, {i}.jpg" for i in range(COUNT)]


def write(path: Path, store: Store = Store.F32, names: list[str] = NAMES) -> Path:
    info = SetInfo(model="toy", fingerprint="a" * 64, dim=DIM, store=store)
    with open_sink(path, info) as sink:
        for name, row in zip(names, ROWS, strict=False):
            sink.write(name, row)
        sink.commit()
    return path


@pytest.mark.parametrize("store", list(Store), ids=str)
def test_what_is_written_is_read(tmp_path: Path, store: Store) -> None:
    features = FeatureSet.read(write(tmp_path / "f.parquet", store))
    assert list(features.paths) == NAMES
    assert features.info == SetInfo(model="toy", fingerprint="a" * 64, dim=DIM, store=store)
    tolerance = {Store.F32: 0, Store.F16: 3e-3, Store.I8: 0.02}[store]
    assert features.features() == pytest.approx(ROWS, abs=tolerance)
    assert features.parts[0].numbers.dtype == store.dtype


def test_other_readers_see_fixed_size_float32_lists(tmp_path: Path) -> None:
    path = write(tmp_path / "f.parquet")
    assert pq.read_schema(path).field("features").type == pa.list_(pa.float32(), DIM)
    assert pq.ParquetFile(path).num_row_groups == 3
    by_pandas = pd.read_parquet(path)
    assert by_pandas["path"].tolist() == NAMES
    assert np.array_equal(np.stack(by_pandas["features"]), ROWS)
    by_polars = pl.read_parquet(path)
    assert by_polars.schema["features"] == pl.Array(pl.Float32, DIM)
    assert np.array_equal(by_polars["features"].to_numpy(), ROWS)
    query = f"select path, features[1] from '{path}' order by features[1] limit 1"  # noqa: S608
    ((name, first),) = duckdb.sql(query).fetchall()
    least = int(ROWS[:, 0].argmin())
    assert name == NAMES[least]
    assert first == ROWS[least, 0]


def test_int8_rows_carry_their_scale(tmp_path: Path) -> None:
    frame = pl.read_parquet(write(tmp_path / "f.parquet", Store.I8))
    meant = frame["features"].to_numpy() * frame["scale"].to_numpy()[:, np.newaxis]
    assert meant == pytest.approx(ROWS, abs=0.02)


def test_names_that_are_not_text_are_escaped(tmp_path: Path) -> None:
    path = write(tmp_path / "f.parquet", names=["caf\udce9.jpg"])
    assert FeatureSet.read(path).paths == ("caf\\xe9.jpg",)


def test_nothing_is_left_of_a_set_that_was_given_up(tmp_path: Path) -> None:
    info = SetInfo(model="toy", fingerprint="a" * 64, dim=DIM)
    with open_sink(tmp_path / "f.parquet", info) as sink:
        sink.write("a", ROWS[0])
    assert list(tmp_path.iterdir()) == []


def test_an_empty_set(tmp_path: Path) -> None:
    path = write(tmp_path / "f.parquet", names=[])
    assert FeatureSet.read(path).features().shape == (0, DIM)


@pytest.mark.parametrize("junk", [b"", b"junk"], ids=["empty", "junk"])
def test_what_is_no_set(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "f.parquet").write_bytes(junk)
    with pytest.raises(SinkError, match="not a Parquet file that edgefeat wrote"):
        FeatureSet.read(tmp_path / "f.parquet")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "f.parquet")
    with pytest.raises(SinkError, match="not a Parquet file that edgefeat wrote"):
        FeatureSet.read(tmp_path / "f.parquet")


def test_without_pyarrow_the_remedy_is_named(photos: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from edgefeat.cli.main import main\n"
        f"sys.exit(main(['extract', {str(photos)!r}, '-o', {str(tmp_path / 'f.parquet')!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert done.stderr == (
        f"edgefeat: error: {tmp_path / 'f.parquet'}: Parquet needs pyarrow. "
        "Install it with `pip install 'edgefeat[parquet]'`.\n"
    )
    assert list(tmp_path.iterdir()) == []
