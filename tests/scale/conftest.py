"""A corpus of small photos, and what one machine makes of it; an S3 server as its own process."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

import edgefeat

ROOT = Path(__file__).parents[2]
PICTURES, BAD = 240, 4


@pytest.fixture(scope="session", autouse=True)
def _environment(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Engines start Pythons of their own: they must find this checkout, and stay on loopback."""
    if shutil.which("java") is None:
        pytest.fail("Spark needs Java: install default-jre-headless (Debian), as root")
    os.environ |= {
        "PYTHONPATH": str(ROOT),
        "EDGEFEAT_CACHE": str(tmp_path_factory.mktemp("cache")),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "RAY_AUTH_MODE": "disabled",
        "RAY_USAGE_STATS_ENABLED": "0",
    }


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "photos"
    folder.mkdir()
    random = np.random.default_rng(1)
    for number in range(PICTURES):
        small = random.integers(0, 256, (9, 12, 3), np.uint8)
        cv2.imwrite(str(folder / f"{number:04}.jpg"), cv2.resize(small, (240, 180)))
    for number in range(BAD):
        (folder / f"bad-{number}.jpg").write_bytes(b"\xff\xd8 none")
    return folder


@pytest.fixture(scope="session")
def wanted(corpus: Path) -> dict[str, np.ndarray]:
    """Each photo's vector, from one machine, by the photo's file name."""
    output = corpus.parent / "whole.npz"
    edgefeat.extract_folder(corpus, output)
    found = edgefeat.FeatureSet.read(output)
    assert len(found) == PICTURES
    return by_name(found)


def by_name(found: edgefeat.FeatureSet) -> dict[str, np.ndarray]:
    rows = zip(found.paths, found.features, strict=True)
    vectors = {path.rpartition("/")[2]: vector for path, vector in rows}
    assert len(vectors) == len(found), "a row stands twice"
    return vectors


def check_same(place: str, wanted: dict[str, np.ndarray]) -> None:
    """Hold a place to one machine's set: nothing missing, doubled or different in a bit."""
    with pytest.warns(UserWarning, match=f"{BAD} pictures have an error"):
        found = by_name(edgefeat.FeatureSet.read(place))
    assert found.keys() == wanted.keys()
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The URL of a bucket on a server of its own, whose address is in the environment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    import s3fs

    try:
        s3fs.S3FileSystem().mkdir("bucket")
        yield "s3://bucket"
    finally:
        server.kill()
        server.wait()
