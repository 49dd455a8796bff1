"""Which frames are taken: by count, rate, region, motion and novelty."""

from __future__ import annotations

import numpy as np
import pytest

import edgefeat
from edgefeat.errors import OptionError
from edgefeat.sources import ArraySource
from edgefeat.streaming import Selection
from edgefeat.testing.faults import (
    FaultySource,
    frames,
    numbered_frame,
)
from streams_support import NumberReader, Watched


def test_every_and_fps_choose_frames_before_they_are_decoded() -> None:
    watched = Watched(FaultySource([frames(20)], live=False), selection=Selection(every=6))
    assert watched.numbers() == [0, 6, 12, 18]
    assert watched.stream.health().skipped_rate == 16


def test_a_rate_is_refused_where_frames_have_no_times() -> None:
    with pytest.raises(OptionError) as raised:
        edgefeat.stream([numbered_frame(0)], NumberReader(), selection=Selection(fps=2))
    assert str(raised.value) == (
        "the frames of arrays have no times, so 2 a second mean nothing. "
        "Leave the rate out: every=10 takes one frame of ten. Or choose the policy `newest`, which "
        "samples frames by their arrival."
    )


def test_motion_skips_inference_on_a_picture_that_stands_still() -> None:
    rng = np.random.default_rng(0)
    still = np.full((64, 192, 3), 120, np.uint8)
    noisy = [still + rng.integers(-3, 4, still.shape).astype(np.int8).view(np.uint8) for _ in "ab"]
    moved = still.copy()
    moved[20:30, 20:30] = 200
    source = ArraySource([still, *noisy, moved, moved])
    watched = Watched(source, selection=Selection(motion=8))
    assert [r.index for r in watched.stream] == [0, 3]
    assert watched.stream.health().skipped_motion == 3


def test_novelty_holds_back_features_like_the_last_ones(
    extractor: edgefeat.FeatureExtractor, photos: object
) -> None:
    cat, rocket = f"{photos}/chelsea.jpg", f"{photos}/rocket.jpg"
    pictures = [cat, cat, rocket, rocket, cat]
    stream = edgefeat.stream(pictures, extractor, selection=Selection(novelty=0.1))
    assert [r.index for r in stream] == [0, 2, 4]
    assert stream.health().skipped_novelty == 2


def test_roi_takes_a_part_of_the_picture(extractor: edgefeat.FeatureExtractor) -> None:
    picture = numbered_frame(7)

    def part(*roi: float) -> Selection:
        return Selection(roi=roi)  # type: ignore[arg-type]

    (by_pixels,) = edgefeat.stream([picture], extractor, selection=part(48, 16, 96, 32))
    (by_shares,) = edgefeat.stream([picture], extractor, selection=part(0.25, 0.25, 0.5, 0.5))
    expected = extractor.extract(picture[16:48, 48:144])
    np.testing.assert_array_equal(by_pixels.features, expected)
    np.testing.assert_array_equal(by_shares.features, expected)
    with pytest.raises(edgefeat.SourceError, match="reaches out of the picture of 192x64"):
        list(edgefeat.stream([picture], extractor, selection=part(150, 0, 96, 32)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fps": 0}, "fps: expected a number above 0, got 0."),
        ({"fps": 2000}, "fps: expected a number of frames up to 1000, got 2000."),
        ({"every": 0}, "every: expected a whole number of 1 or more, got 0."),
        ({"motion": -1}, "motion: expected a number above 0, got -1."),
        ({"motion": 300}, "motion: expected a number of grey levels up to 255, got 300."),
        ({"novelty": 3}, "novelty: expected a cosine distance up to 2, got 3."),
        (
            {"roi": (0, 0, 0, 1)},
            "roi: expected x,y,width,height inside the picture, got (0, 0, 0, 1).",
        ),
    ],
    ids=["fps", "high-fps", "every", "motion", "high-motion", "novelty", "roi"],
)
def test_wrong_selections_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError) as raised:
        Selection(**options)  # type: ignore[arg-type]
    assert str(raised.value) == message
