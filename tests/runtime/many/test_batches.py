"""Many pictures through one extractor: order, bad pictures, retries, workers."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgefeat import EdgefeatError, FeatureExtractor, ImageError
from edgefeat.arrays import Features
from edgefeat.errors import OptionError
from edgefeat.many.batches import default_workers, features_in_order
from edgefeat.pictures.decode import ImageInput

NAMES = ("chelsea", "coffee", "rocket")


def vector(given: Features | EdgefeatError) -> Features:
    """Return what was given for a picture, which must be features."""
    assert not isinstance(given, EdgefeatError)
    return given


@pytest.fixture(scope="module")
def paths(photos: Path) -> list[Path]:
    return [photos / f"{name}.jpg" for name in NAMES]


@pytest.fixture(scope="module")
def expected(paths: list[Path], extractor: FeatureExtractor) -> np.ndarray:
    return np.stack([extractor.extract(path) for path in paths])


@pytest.mark.parametrize("workers", [None, 1, 2, 4])
@pytest.mark.parametrize("batch", [None, 1, 2, 5])
def test_batches_and_workers_keep_order(
    workers: int | None,
    batch: int | None,
    paths: list[Path],
    expected: np.ndarray,
    extractor: FeatureExtractor,
) -> None:
    got = extractor.extract_batch(paths * 3, workers=workers, batch=batch)
    assert np.array_equal(got, np.concatenate([expected] * 3))


@pytest.mark.parametrize("workers", [1, 2])
def test_one_bad_picture_does_not_lose_the_others(
    workers: int, paths: list[Path], expected: np.ndarray, extractor: FeatureExtractor
) -> None:
    images: list[ImageInput] = [paths[0], "missing.jpg", paths[1], b"not a picture", paths[2]]
    rows = extractor.extract_batch(images, workers=workers, batch=2, on_error="skip")
    assert np.isnan(rows[[1, 3]]).all()
    assert np.array_equal(rows[[0, 2, 4]], expected)
    results = list(extractor.iter_features(images, workers=workers, on_error="skip"))
    assert isinstance(results[1], ImageError)
    assert str(results[1]) == "missing.jpg: no such file. Check the path."
    with pytest.raises(ImageError, match=r"^missing\.jpg: "):
        extractor.extract_batch(images, workers=workers)


@pytest.mark.parametrize("batch", [1, 3])
def test_what_stands_before_a_bad_picture_comes_before_its_error(
    batch: int, paths: list[Path], expected: np.ndarray, extractor: FeatureExtractor
) -> None:
    features = extractor.iter_features([paths[0], paths[1], "missing.jpg"], batch=batch)
    for row in expected[:2]:
        assert np.array_equal(vector(next(features)), row)
    with pytest.raises(ImageError, match=r"^missing\.jpg: "):
        next(features)


@pytest.mark.parametrize("workers", [1, 3])
def test_an_endless_stream_is_taken_a_few_at_a_time(
    workers: int, extractor: FeatureExtractor
) -> None:
    taken = itertools.count()
    picture = np.zeros((64, 64, 3), np.uint8)

    def endless() -> Iterator[np.ndarray]:
        while True:
            next(taken)
            yield picture

    features = extractor.iter_features(endless(), workers=workers, batch=2)
    for _ in range(8):
        assert np.array_equal(vector(next(features)), extractor.extract(picture))
    features.close()
    assert next(taken) <= 8 + 2 * 2 * workers
    assert not [t for t in threading.enumerate() if t.name.startswith("edgefeat")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch": 0}, "batch: expected a whole number from 1 to 1024, got 0."),
        ({"batch": 1025}, "batch: expected a whole number from 1 to 1024, got 1025."),
        ({"workers": 0}, "workers: expected a whole number of 1 or more, got 0."),
        ({"on_error": "nan"}, "on_error: expected 'stop' or 'skip', got 'nan'."),
        ({"retries": 11}, "retries: expected a whole number from 0 to 10, got 11."),
        ({"colour": "bgra"}, "colour: expected 'bgr' or 'rgb', got 'bgra'."),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_wrong_arguments(
    arguments: dict[str, object], message: str, extractor: FeatureExtractor
) -> None:
    with pytest.raises(OptionError) as caught:
        extractor.extract_batch(["a.jpg"], **arguments)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_retries_wait_for_a_file_that_is_being_written(
    photos: Path, tmp_path: Path, extractor: FeatureExtractor
) -> None:
    late, never = tmp_path / "late.jpg", tmp_path / "never.jpg"
    whole_photo = (photos / "coffee.jpg").read_bytes()
    late.write_bytes(whole_photo[:5000])
    timer = threading.Timer(0.25, lambda: late.write_bytes(whole_photo))
    timer.start()
    first, second = features_in_order(extractor, [late, never], workers=2, retries=4)
    timer.join()
    assert np.array_equal(vector(first), extractor.extract(photos / "coffee.jpg"))
    assert str(second) == f"{never}: no such file. Check the path. Tried 5 times."


def test_workers_default_to_the_cores_of_this_process() -> None:
    one = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])"
    code = f"{one}; from edgefeat.many.batches import default_workers; print(default_workers())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "1\n"
    assert 1 <= default_workers() <= 4
    assert default_workers(threads=1000) == 1
