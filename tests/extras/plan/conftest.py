"""Photos to plan, and an S3 server on loopback."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from moto.server import ThreadedMotoServer

PHOTOS = 11


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with `photos/`: eleven pictures in two folders, a bad one, a text."""
    folder = tmp_path / "photos"
    (folder / "b").mkdir(parents=True)
    random = np.random.default_rng(5)
    for number in range(PHOTOS - 1):
        small = random.integers(0, 256, (6, 8, 3), np.uint8)
        name = folder / ("b" if number % 2 else ".") / f"{number}.png"
        cv2.imwrite(str(name), cv2.resize(small, (80, 60)))
    (folder / "b" / "bad.jpg").write_bytes(b"\xff\xd8 no picture")
    (folder / "notes.txt").write_text("no picture")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The URL of a new bucket, with a log-in in the environment."""
    import s3fs

    for name, value in {
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "very-secret-word",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    name = f"bucket-{abs(hash(tmp_path)) % 10**9}"
    s3fs.S3FileSystem().mkdir(name)
    return f"s3://{name}"


@pytest.fixture
def photos_in_bucket(corpus: Path, bucket: str) -> str:
    import s3fs

    store = s3fs.S3FileSystem()
    store.put(str(corpus / "photos"), f"{bucket}/photos", recursive=True)
    shutil.rmtree(corpus / "photos")
    return f"{bucket}/photos/"
