"""The recipes of the page on many machines: arrays of jobs, and Dask."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from edgefeat.arrow import Featurise
from edgefeat.cli.main import main

from .conftest import BAD, ROOT, check_same

PAGE = (ROOT / "docs" / "howto" / "many_machines.md").read_text()
NUMBERS = {
    "SLURM_ARRAY_TASK_ID": r"--part \"(\$SLURM_ARRAY_TASK_ID)/64\"",
    "JOB_COMPLETION_INDEX": r"--part (\$JOB_COMPLETION_INDEX)/64",
    "AWS_BATCH_JOB_ARRAY_INDEX": r"--part (\$AWS_BATCH_JOB_ARRAY_INDEX)/64",
}


@pytest.mark.parametrize("variable", NUMBERS)
def test_an_array_of_jobs_does_every_part(
    variable: str, corpus: Path, wanted: dict[str, np.ndarray], tmp_path: Path
) -> None:
    """Each job is the page's own line, with the number that the batch system would give it."""
    assert re.search(NUMBERS[variable], PAGE)
    place = str(tmp_path / "set")
    main(["plan", str(corpus), "-o", place, "--part-size", "50", "-q"])
    line = f"{sys.executable} -m edgefeat extract --plan {place} --part ${variable}/3 -q"
    for number in range(3):
        done = subprocess.run(
            ["sh", "-c", line], env={**os.environ, variable: str(number)}, check=False
        )
        assert done.returncode in (0, 1)
    check_same(place, wanted)


def test_dask_maps_partitions(corpus: Path, wanted: dict[str, np.ndarray]) -> None:
    paths = sorted(map(str, corpus.iterdir()))
    frame = pd.DataFrame({"path": paths, "content": [Path(path).read_bytes() for path in paths]})
    featurise = Featurise(image="content", keep=["path"])

    def each(part: pd.DataFrame) -> pd.DataFrame:
        made: pd.DataFrame = featurise(pa.Table.from_pandas(part)).to_pandas()
        return made

    meta = pd.DataFrame(columns=["path", "features", "error", "damage"], dtype=object)
    with dask.config.set({"dataframe.convert-string": False}):
        made = dd.from_pandas(frame, npartitions=3).map_partitions(each, meta=meta).compute()
    assert made["error"].notna().sum() == BAD
    usable = made[made["error"].isna()]
    vectors = {Path(row.path).name: row.features for row in usable.itertuples()}
    assert vectors.keys() == wanted.keys()
    assert all(np.array_equal(np.float32(vectors[name]), wanted[name]) for name in wanted)
