"""CPU for each picture through Ray and Spark beside `edgefeat extract`, in turns, in one run.

    .venv/scale/bin/python tests/scale/measure_engines.py    # after `make test-scale`

Counted is the work of the processes that hold a model, from the first picture to the last: opening
the model and starting the engines are left out on every side.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import edgefeat
from edgefeat.arrow import Featurise

PICTURES, ROUNDS, SIDE = 1000, 5, 348


def make_photos(folder: Path) -> None:
    random = np.random.default_rng(0)
    folder.mkdir()
    for number in range(PICTURES):
        small = random.integers(0, 256, (24, 24, 3), np.uint8)
        cv2.imwrite(str(folder / f"{number:04}.jpg"), cv2.resize(small, (SIDE, SIDE)))


def plain(folder: Path) -> float:
    with edgefeat.FeatureExtractor() as extractor:
        extractor.extract(next(folder.iterdir()))
        before_s = time.process_time()
        edgefeat.extract_folder(folder, folder.parent / "x.parquet", extractor=extractor, workers=1)
        spent_s = time.process_time() - before_s
    (folder.parent / "x.parquet").unlink()
    return spent_s


def by_ray(folder: Path) -> float:
    import ray

    from edgefeat.cli.main import main
    from edgefeat.ray.parts import _Worker

    class Measured(_Worker):
        def timed(self, part: int) -> float:
            before_s = time.process_time()
            self.do(part)
            return time.process_time() - before_s

    place = tempfile.mkdtemp()
    main(["plan", str(folder), "-o", place, "--part-size", "250", "-q"])
    actor = ray.remote(num_cpus=1)(Measured).remote(place, None)
    ray.get(actor.do.remote(0))
    spent = [ray.get(actor.timed.remote(part)) for part in range(PICTURES // 250)]
    ray.kill(actor)
    return float(sum(spent))


def by_spark(session: Any, folder: Path) -> float:
    from pyspark.sql import types

    work = Featurise(image="content", keep=["path"])
    schema = types.StructType([types.StructField("cpu_s", types.DoubleType())])

    def each(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        first = True
        for batch in batches:
            if first:
                work(batch.slice(0, 1))
            first = False
            before_s = time.process_time()
            work(batch)
            yield pa.RecordBatch.from_pydict({"cpu_s": [time.process_time() - before_s]})

    photos = session.read.format("binaryFile").load(str(folder)).select("path", "content")
    return float(sum(row.cpu_s for row in photos.mapInArrow(each, schema).collect()))


def main() -> None:
    import ray
    from pyspark.sql import SparkSession

    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    os.environ |= {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - so that other work on the machine meets all alike
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    spark = session.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    folder = Path(tempfile.mkdtemp()) / "photos"
    make_photos(folder)
    ways: dict[str, Callable[[], float]] = {
        "extract": lambda: plain(folder),
        "Ray": lambda: by_ray(folder),
        "Spark": lambda: by_spark(spark, folder),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, measure in ways.items():
            spent[name].append(1e3 * measure() / PICTURES)
    for name, found in spent.items():
        ratios = [mine / base for mine, base in zip(found, spent["extract"], strict=True)]
        said = f"{name:8} {statistics.median(found):6.2f} ms CPU a picture of {SIDE} pixels"
        print(f"{said}, {statistics.median(ratios):.3f} of extract")  # noqa: T201
    spark.stop()
    ray.shutdown()


if __name__ == "__main__":
    main()
