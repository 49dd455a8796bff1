"""A Spark standalone cluster of two workers on loopback; one executor is killed in the middle."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

import edgefeat.spark
from edgefeat.errors import OptionError

from .conftest import check_same

pyspark_sql = import_module("pyspark.sql")


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    session = (
        pyspark_sql.SparkSession.builder.master("local-cluster[2,1,900]")
        .appName("edgefeat")
        .config("spark.executor.memory", "700m")
        .config("spark.driver.memory", "700m")
        .config("spark.ui.enabled", "false")
        .config("spark.executorEnv.PYTHONPATH", os.environ["PYTHONPATH"])
        .config("spark.executorEnv.EDGEFEAT_CACHE", os.environ["EDGEFEAT_CACHE"])
        .config("spark.sql.files.maxPartitionBytes", "150000")
        .config("spark.sql.files.openCostInBytes", "4000")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


def executors() -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if "CoarseGrainedExecutorBackend" in " ".join(process.info["cmdline"] or ())
    ]


def test_a_column_of_pictures_though_an_executor_is_killed(
    spark: Any, corpus: Path, wanted: dict[str, np.ndarray], tmp_path: Path
) -> None:
    photos = spark.read.format("binaryFile").load(str(corpus))
    made = edgefeat.spark.featurise(photos, image="content", keep=["path"])
    killed: list[int] = []

    def kill() -> None:
        for _ in range(600):
            if len(executors()) == 2 and list(tmp_path.rglob("*.parquet")):
                break
            time.sleep(0.1)
        os.kill(executors()[0], signal.SIGKILL)
        killed.append(1)

    killer = threading.Thread(target=kill)
    killer.start()
    made.write.parquet(str(tmp_path / "made"))
    killer.join()
    assert killed
    check_same(str(tmp_path / "made"), wanted)


def test_spark_sees_ordinary_columns(spark: Any, corpus: Path) -> None:
    photos = spark.read.format("binaryFile").load(str(corpus / "000*.jpg"))
    made = edgefeat.spark.featurise(photos, image="content", keep=["path"], store="i8")
    assert made.columns == ["path", "features", "scale", "error", "damage"]
    assert {len(row.features) for row in made.collect()} == {1280}


def test_columns_that_are_not_there_are_named(spark: Any) -> None:
    frame = spark.createDataFrame([(1,)], ["n"])
    with pytest.raises(OptionError, match="no column 'content': there are n"):
        edgefeat.spark.featurise(frame, image="content")
    with pytest.raises(OptionError, match="Spark has no type for f16"):
        edgefeat.spark.featurise(frame, image="n", store="f16")
