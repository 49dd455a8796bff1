"""Parquet sets: what pandas, Polars, DuckDB and edgefeat itself read back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from edgefeat import FeatureSet, SinkError
from edgefeat.sets.encoding import Store
from edgefeat.sets.formats import open_sink
from edgefeat.sets.info import OutputInfo
from edgefeat.sets.record import FeatureRecord
from sets_support import SEVERAL, info_of, record_of

DIM, COUNT = 8, 2500  # more than two row groups
OUTPUTS = [OutputInfo(name="features", shape=(DIM,))]
ROWS = np.random.default_rng(5).normal(size=(COUNT, DIM)).astype(np.float32)
NAMES = [f"ü, {i}.jpg" for i in range(COUNT)]


def rows_of(query: str) -> list[tuple[Any, ...]]:
    """Return what DuckDB answers."""
    answer = duckdb.sql(query)
    assert answer is not None
    return list(answer.fetchall())


def rows_for(store: Store) -> Any:
    """Return rows that this form of storing holds: `u8` has no negative numbers."""
    return np.abs(ROWS) if store is Store.U8 else ROWS


def write(path: Path, store: Store = Store.F32, names: list[str] = NAMES) -> Path:
    with open_sink(path, info_of(OUTPUTS, store=store), overwrite=True) as sink:
        for number, (name, row) in enumerate(zip(names, rows_for(store), strict=False)):
            sink.write(FeatureRecord(name=name, index=number, features=row, fingerprint="a" * 64))
        sink.commit()
    return path


@pytest.mark.parametrize("store", list(Store), ids=str)
def test_what_is_written_is_read(tmp_path: Path, store: Store) -> None:
    features = FeatureSet.read(write(tmp_path / "f.parquet", store))
    assert list(features.paths) == NAMES
    assert features.info == info_of(OUTPUTS, store=store)
    tolerance = {Store.F32: 0, Store.F16: 3e-3, Store.I8: 0.02, Store.U8: 0.01}[store]
    assert features.features == pytest.approx(rows_for(store), abs=tolerance)


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
    ((name, first),) = rows_of(query)
    least = int(ROWS[:, 0].argmin())
    assert name == NAMES[least]
    assert first == ROWS[least, 0]


def test_int8_rows_carry_their_scale(tmp_path: Path) -> None:
    frame = pl.read_parquet(write(tmp_path / "f.parquet", Store.I8))
    meant = frame["features"].to_numpy() * frame["scale"].to_numpy()[:, np.newaxis]
    assert meant == pytest.approx(ROWS, abs=0.02)


def test_names_that_are_not_text_are_text_in_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "f.parquet", names=["caf\udce9.jpg"])
    assert pl.read_parquet(path)["path"].to_list() == ["bytes:caf%E9.jpg"]
    assert FeatureSet.read(path).paths == ("caf\udce9.jpg",)


def test_a_stream_has_its_facts_in_columns(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    info = info_of(OUTPUTS, timed=True)
    with open_sink(path, info, live=True) as sink:
        for row in range(3):
            sink.write(record_of(info, row))
        sink.commit()
    frame = pd.read_parquet(path)
    assert frame["path"].tolist() == ["camera 0#0", "camera 0#3", "camera 0#6"]
    assert frame["index"].tolist() == [0, 3, 6]
    assert frame["media_s"].isna().tolist() == [False, True, False]
    seen = pd.to_datetime(frame["wall_time"], unit="s", utc=True)
    assert seen.iloc[0].year == 2023


def test_several_outputs_have_a_column_each(tmp_path: Path) -> None:
    path, info = tmp_path / "f.parquet", info_of(SEVERAL)
    with open_sink(path, info) as sink:
        sink.write(record_of(info, 0))
        sink.commit()
    query = f"""select "output_block/2:0" from '{path}'"""  # noqa: S608
    ((vector,),) = rows_of(query)
    assert np.array_equal(vector, record_of(info, 0).features[5:8])


@pytest.mark.parametrize("junk", [b"", b"junk"], ids=["empty", "junk"])
def test_what_is_no_set(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "f.parquet").write_bytes(junk)
    with pytest.raises(SinkError, match=r"f\.parquet: not a Parquet file: "):
        FeatureSet.read(tmp_path / "f.parquet")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "f.parquet")
    with pytest.raises(SinkError, match="a Parquet file, but not one of edgefeat's"):
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
