"""A Ray cluster of two nodes on loopback: parts by actors, one killed; a dataset's column."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import ray

import edgefeat
import edgefeat.ray
from edgefeat.cli.main import main
from edgefeat.errors import ModelError, OptionError
from edgefeat.model.shipped import default_model_path

from .conftest import BAD, PICTURES, check_same


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Two nodes of two CPUs each, which think that they are two machines."""
    command = [str(Path(sys.executable).with_name("ray")), "start", "--num-cpus", "2"]
    command += ["--node-ip-address", "127.0.0.1", "--object-store-memory", str(150 * 2**20)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    head = ["--head", "--include-dashboard", "false", "--port", address.rpartition(":")[2]]
    try:
        subprocess.run([*command, *head], check=True, capture_output=True, timeout=120)
        second = [*command, "--address", address]
        subprocess.run(second, check=True, capture_output=True, timeout=120)
        ray.init(address=address, log_to_driver=False, _node_ip_address="127.0.0.1")
        assert len(ray.nodes()) == 2
        yield
    finally:
        ray.shutdown()
        subprocess.run([command[0], "stop", "--force"], capture_output=True, check=False)


def kill_one_actor(place: Path, at: int, killed: list[int]) -> None:
    """Kill the process of an actor at work, once some parts are there."""
    for _ in range(1200):
        if len(list(place.glob("part-*.parquet"))) >= at:
            for process in psutil.process_iter(["cmdline"]):
                words = " ".join(process.info["cmdline"] or ())
                if words.startswith("ray::_Worker"):
                    os.kill(process.pid, signal.SIGKILL)
                    killed.append(process.pid)
                    return
        time.sleep(0.05)


def test_parts_by_two_actors_of_which_one_is_killed(
    cluster: None, corpus: Path, wanted: dict[str, np.ndarray], tmp_path: Path
) -> None:
    place = tmp_path / "set"
    main(["plan", str(corpus), "-o", str(place), "--part-size", "6", "-q"])
    killed: list[int] = []
    told: list[tuple[int, int, int]] = []
    killer = threading.Thread(target=kill_one_actor, args=(place, 3, killed))
    killer.start()
    done = edgefeat.ray.extract_parts(
        str(place), workers=2, on_part=lambda *part: told.append(part)
    )
    killer.join()
    assert len(killed) == 1
    assert done == list(range(-(-(PICTURES + BAD) // 6)))
    assert sorted(part for part, _, _ in told) == done
    assert sum(rows for _, rows, _ in told) == PICTURES
    assert sum(failures for _, _, failures in told) == BAD
    check_same(str(place), wanted)
    assert edgefeat.ray.extract_parts(str(place), workers=1) == []


def test_a_model_travels_as_bytes_and_another_is_refused(
    cluster: None, corpus: Path, tmp_path: Path
) -> None:
    place = str(tmp_path / "set")
    main(["plan", str(corpus), "-o", place, "--part-size", "200", "-q", "--normalize"])
    content = default_model_path().read_bytes()
    assert edgefeat.ray.extract_parts(place, workers=1, model=content, part="1") == [1]
    plan = Path(place, "plan.json")
    fingerprint = edgefeat.FeatureExtractor(normalize=True).fingerprint
    plan.write_text(plan.read_text().replace(fingerprint, "0" * 64))
    with pytest.raises(ModelError, match="fingerprint: the plan"):
        edgefeat.ray.extract_parts(place, workers=1)


def test_a_column_of_a_dataset(
    cluster: None, corpus: Path, wanted: dict[str, np.ndarray], tmp_path: Path
) -> None:
    photos = ray.data.read_binary_files(str(corpus), include_paths=True)
    made = edgefeat.ray.featurise(photos, image="bytes", keep=["path"], workers=2)
    made.write_parquet(str(tmp_path / "made"))
    check_same(str(tmp_path / "made"), wanted)


@pytest.mark.parametrize("workers", [4, 5])
def test_as_many_actors_as_cpus_are_refused_as_ray_would_wait_for_ever(
    cluster: None, workers: int
) -> None:
    with pytest.raises(OptionError, match="it would wait for ever"):
        edgefeat.ray.featurise(ray.data.range(4), image="id", workers=workers)
