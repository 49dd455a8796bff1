"""Other threads, other processes, and giving memory back."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgefeat import FeatureExtractor, ModelError

NAMES = ("chelsea", "coffee", "rocket")


@pytest.fixture(scope="module")
def paths(photos: Path) -> list[Path]:
    return [photos / f"{name}.jpg" for name in NAMES]


@pytest.fixture(scope="module")
def expected(paths: list[Path], extractor: FeatureExtractor) -> np.ndarray:
    return np.stack([extractor.extract(path) for path in paths])


@pytest.mark.parametrize(
    "images",
    [np.zeros((224, 224, 3), np.uint8), np.zeros((1, 224, 224, 3)), np.zeros((1, 3, 9, 9), "u1")],
    ids=["no-batch-axis", "float", "wrong-size"],
)
def test_prepared_pictures_are_checked(images: np.ndarray, extractor: FeatureExtractor) -> None:
    with pytest.raises(ValueError, match=r"^images") as caught:
        extractor.extract_prepared(images)
    assert str(caught.value) == (
        "images: expected uint8 of shape (N, 224, 224, 3), as prepare makes them, "
        f"got {images.dtype} of shape {images.shape}"
    )


def test_a_pickled_extractor_works_with_the_same_arguments(
    model_path: Path, paths: list[Path]
) -> None:
    with FeatureExtractor(model_path, normalize=True, decode="full") as original:
        copy = pickle.loads(pickle.dumps(original))  # noqa: S301 - our own bytes
        assert copy.fingerprint == original.fingerprint
        assert np.array_equal(copy.extract(paths[0]), original.extract(paths[0]))
        copy.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_it_works_after_a_fork(threads: int, paths: list[Path]) -> None:
    code = f"""
import os, sys
import numpy as np
import edgefeat
fx = edgefeat.FeatureExtractor(threads={threads}, idle_unload_s=60)
before = fx.extract({str(paths[0])!r})
child = os.fork()
same = np.array_equal(fx.extract({str(paths[0])!r}), before)
if child == 0:
    os._exit(0 if same else 5)
sys.exit(0 if same and os.waitpid(child, 0)[1] == 0 else 1)
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], timeout=60, check=False)
    assert done.returncode == 0


def test_an_unloaded_extractor_opens_again(
    model_path: Path, paths: list[Path], expected: np.ndarray
) -> None:
    with FeatureExtractor(model_path) as extractor:
        extractor.unload()
        extractor.unload()
        assert np.array_equal(extractor.extract(paths[0]), expected[0])
    with pytest.raises(ModelError, match="this extractor was closed"):
        extractor.extract(paths[0])


def test_unloading_gives_memory_back_and_work_does_not_grow() -> None:
    code = """
import numpy as np
import edgefeat
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20
picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
fx = edgefeat.FeatureExtractor()
for _ in range(50): fx.extract(picture)
warm = resident()
for _ in range(200): fx.extract(picture)
assert resident() - warm < 3, (warm, resident())
for _ in range(20):
    fx.unload()
    fx.extract(picture)
assert resident() - warm < 12, (warm, resident())
loaded = resident()
fx.close()
assert resident() < loaded - 3, (loaded, resident())
"""
    environment = os.environ | {"MALLOC_ARENA_MAX": "1"}
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=120, env=environment)


def test_an_idle_extractor_gives_memory_back_by_itself() -> None:
    code = """
import time
import numpy as np
import edgefeat
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20
picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
fx = edgefeat.FeatureExtractor(idle_unload_s=2, cache=False)
before = fx.extract(picture)
for _ in range(2):  # a use after unloading begins another wait
    loaded = resident()
    while resident() > loaded - 1:
        time.sleep(0.05)
    assert np.array_equal(fx.extract(picture), before)
"""
    environment = os.environ | {"MALLOC_ARENA_MAX": "1"}
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=60, env=environment)


def test_closing_ends_the_wait_of_an_idle_extractor() -> None:
    code = """
import _thread, time
import numpy as np
import edgefeat
fx = edgefeat.FeatureExtractor(idle_unload_s=1000)
fx.extract(np.zeros((8, 8, 3), np.uint8))
while _thread._count() == 0:  # a new thread counts once it runs
    time.sleep(0.05)
fx.close()
while _thread._count():
    time.sleep(0.05)
"""
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=60)


def test_unloading_while_others_extract_is_safe(paths: list[Path], expected: np.ndarray) -> None:
    with FeatureExtractor(idle_unload_s=0.001) as extractor, ThreadPoolExecutor(3) as pool:
        for row in pool.map(extractor.extract, [paths[0]] * 60):
            assert np.array_equal(row, expected[0])


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_an_idle_time_is_positive(seconds: float) -> None:
    with pytest.raises(ValueError, match="idle_unload_s") as caught:
        FeatureExtractor(idle_unload_s=seconds)
    assert str(caught.value) == f"idle_unload_s: expected a number above 0, got {seconds!r}."


def test_opencv_gets_no_hidden_threads_but_keeps_a_chosen_number(model_path: Path) -> None:
    was = cv2.getNumThreads()
    try:
        cv2.setNumThreads(cv2.getNumberOfCPUs())
        FeatureExtractor(model_path).close()
        assert cv2.getNumThreads() == 1
        cv2.setNumThreads(cv2.getNumberOfCPUs() + 1)
        FeatureExtractor(model_path).close()
        assert cv2.getNumThreads() == cv2.getNumberOfCPUs() + 1
    finally:
        cv2.setNumThreads(was)


def test_nothing_is_reported_to_anyone_or_kept_in_the_home_folder(tmp_path: Path) -> None:
    code = "import edgefeat; edgefeat.FeatureExtractor(cache=False)"
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    for variable in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        environment[variable] = str(tmp_path)
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=60, env=environment)
    assert list(tmp_path.rglob("*")) == []
