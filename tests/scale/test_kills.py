"""Workers without an engine, over S3: killed at random, twenty times, and started again."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from .conftest import check_same

KILLS = 20
EDGEFEAT = [sys.executable, "-m", "edgefeat"]


def status(place: str) -> dict[str, object]:
    done = subprocess.run(
        [*EDGEFEAT, "plan", "--status", place, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found | {"code": done.returncode}


def test_twenty_kills_lose_and_double_nothing(
    s3: str, corpus: Path, wanted: dict[str, np.ndarray]
) -> None:
    place = f"{s3}/killed"
    subprocess.run(
        [*EDGEFEAT, "plan", str(corpus), "-o", place, "--part-size", "8", "-q"], check=True
    )
    chance = random.Random(3)
    killed = 0
    for _ in range(10 * KILLS):
        worker = subprocess.Popen(
            [*EDGEFEAT, "extract", "--plan", place, "--part", "missing", "-q"],
            stderr=subprocess.DEVNULL,
        )
        try:
            worker.wait(chance.uniform(1.0, 3.5))
        except subprocess.TimeoutExpired:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            killed += 1
        if killed == KILLS:
            break
        if status(place)["code"] == 0:  # begin again: what is there is taken away
            import s3fs

            time.sleep(0.1)
            store = s3fs.S3FileSystem()
            for name in store.glob(f"{place}/part-*.parquet")[::2]:
                store.rm(name)
    assert killed == KILLS
    last = subprocess.run(
        [*EDGEFEAT, "extract", "--plan", place, "--part", "missing", "-q"], check=False
    )
    assert last.returncode in (0, 1)
    assert status(place)["code"] == 0
    check_same(place, wanted)


def test_two_workers_at_once_on_the_same_parts(
    s3: str, corpus: Path, wanted: dict[str, np.ndarray]
) -> None:
    place = f"{s3}/raced"
    subprocess.run(
        [*EDGEFEAT, "plan", str(corpus), "-o", place, "--part-size", "40", "-q"], check=True
    )
    command = [*EDGEFEAT, "extract", "--plan", place, "--part", "0/1", "-q"]
    workers = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert {worker.wait() for worker in workers} <= {0, 1}
    check_same(place, wanted)
