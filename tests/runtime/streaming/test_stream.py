"""Streams over pictures in memory and scripted cameras: order, drops, gaps in the numbers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import edgefeat
from edgefeat.errors import OptionError
from edgefeat.sources import ArraySource
from edgefeat.streaming import EventKind, Limits, Policy, Stream
from edgefeat.testing.faults import (
    FaultySource,
    drop,
    frames,
    numbered_frame,
    random_script,
)
from streams_support import NumberReader, Watched


def test_features_are_the_extractors_own(extractor: edgefeat.FeatureExtractor) -> None:
    pictures = [numbered_frame(n) for n in range(3)]
    results = list(edgefeat.stream(pictures, extractor))
    expected = extractor.extract_batch(pictures)
    np.testing.assert_array_equal([r.features for r in results], expected)
    assert [r.index for r in results] == [0, 1, 2]
    assert {r.fingerprint for r in results} == {extractor.fingerprint}
    assert all(r.age_ms > 0 and r.dropped == 0 and r.media_s is None for r in results)


def test_a_record_gives_each_chosen_output_by_its_name(root: Path) -> None:
    model = root / "tests" / "data" / "three_outputs.onnx"
    picture = numbered_frame(5)
    with edgefeat.FeatureExtractor(model, outputs="grid,features") as extractor:
        (result,) = edgefeat.stream([picture], extractor)
        expected = extractor.extract_outputs(picture)
        np.testing.assert_array_equal(result.features, extractor.extract(picture))
    assert list(result.outputs) == ["grid", "features"]
    for name, part in result.outputs.items():
        np.testing.assert_array_equal(part, expected[name])


def test_the_shipped_model_is_the_default() -> None:
    (result,) = edgefeat.stream([numbered_frame(0)])
    assert result.features.shape == (1280,)


def test_a_file_gives_every_frame_in_order() -> None:
    watched = Watched(FaultySource([frames(200)], live=False))
    assert watched.numbers() == list(range(200))
    assert watched.kinds() == [EventKind.CONNECTED, EventKind.ENDED]


def test_a_slow_loop_gets_the_newest_frames_and_the_count_of_the_others() -> None:
    camera = FaultySource([frames(150)], fps=500)
    watched = Watched(camera)
    results = []
    for result in watched.stream:
        results.append(result)
        time.sleep(0.02)
    numbers = [int(r.features[0]) for r in results]
    assert numbers == sorted(set(numbers))
    assert [r.index for r in results] == numbers
    assert numbers[-1] == 149
    assert len(numbers) + results[-1].dropped == 150
    assert results[-1].dropped > 50


def test_a_camera_with_policy_all_keeps_a_few_frames() -> None:
    watched = Watched(FaultySource([frames(100)], fps=1000), policy=Policy.ALL)
    results = []
    for result in watched.stream:
        results.append(result)
        time.sleep(0.005 if len(results) > 1 else 0.2)
    assert [r.index for r in results] == sorted({r.index for r in results})
    assert len(results) + results[-1].dropped == 100


@pytest.mark.parametrize("seed", range(4))
def test_no_frame_is_repeated_or_made_up_whatever_the_camera_does(seed: int) -> None:
    camera = FaultySource(random_script(seed, faults=25), seed=seed)
    watched = Watched(camera, limits=Limits(timeout_s=0.5, backoff_s=0.001, backoff_max_s=0.001))
    results = list(watched.stream)
    numbers = [int(r.features[0]) for r in results]
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(camera.sent)
    assert numbers[-1] == camera.sent[-1]
    health = watched.stream.health()
    assert health.captured == len(camera.sent) + health.garbage
    assert len(numbers) + health.dropped == len(camera.sent)
    assert health.discarded == 0
    assert camera.opened == camera.closed == health.losses + 1


def test_a_gap_is_a_gap_with_a_count() -> None:
    camera = FaultySource([frames(3), drop(4), frames(3)], live=False)
    assert Watched(camera).numbers() == [0, 1, 2, 7, 8, 9]


def test_a_wrong_array_is_an_error_and_not_a_damaged_frame() -> None:
    floats = np.zeros((8, 8, 3))
    with pytest.raises(edgefeat.ImageError, match="expected uint8, values 0 to 255"):
        list(Stream(ArraySource([floats]), NumberReader()))  # type: ignore[list-item]


def test_functions_are_cameras_and_none_ends_them() -> None:
    left = [numbered_frame(n) for n in range(5)][::-1]
    results = edgefeat.stream(lambda: left.pop() if left else None, NumberReader(), policy="all")
    assert [int(r.features[0]) for r in results] == [0, 1, 2, 3, 4]


def test_rgb_arrays_are_turned_round() -> None:
    class FirstPixel(NumberReader):
        def extract_prepared(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
            return images[:, 0, 0].astype(np.float32)

    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 255
    once = [red]
    sources: list[Any] = [[red], iter([red]), lambda: once.pop() if once else None]
    for source in sources:
        (result,) = edgefeat.stream(source, FirstPixel(), colour="rgb", policy="all")
        assert result.features.tolist() == [0, 0, 255]
    (result,) = edgefeat.stream([red], FirstPixel())
    assert result.features.tolist() == [255, 0, 0]


def test_a_channel_order_is_refused_where_the_source_has_its_own() -> None:
    for source, name in (("clip.mp4", "clip.mp4"), (ArraySource([]), "arrays")):
        with pytest.raises(OptionError) as raised:
            edgefeat.stream(source, NumberReader(), colour="rgb")
        assert str(raised.value) == (f"colour: does not go with the source {name}. Leave it out.")


def test_a_wrong_policy_is_named() -> None:
    with pytest.raises(OptionError) as raised:
        edgefeat.stream([], NumberReader(), policy="some")  # type: ignore[arg-type]
    assert str(raised.value) == "policy: expected 'newest' or 'all', got 'some'."
