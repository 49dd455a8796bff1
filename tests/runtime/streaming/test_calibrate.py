"""Calibrating: the noise of a scene gives thresholds that it does not pass, and things do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgefeat
from edgefeat.errors import OptionError
from edgefeat.streaming import EventKind, GateCalibration, Selection, calibrate
from edgefeat.streaming.calibration.calibration import Rung, pick
from edgefeat.streaming.gates.adaptive import Adaptive
from edgefeat.streaming.gates.floor import FEWEST, passed_by_noise_once, upper_quantile
from gate_clips import ClipSource, Colours, Image, scene

QUIET = 140


@pytest.fixture(scope="module")
def image(photos: Path) -> Image:
    return scene(photos / "coffee.jpg")


@pytest.fixture(scope="module")
def still(image: Image) -> GateCalibration:
    return calibrate(ClipSource("still", image, QUIET, seed=1), Colours())


def indices(kind: str, image: Image, options: dict[str, float], count: int = 90) -> list[int]:
    source = ClipSource(kind, image, count, seed=2)
    selection = Selection.of(**options)
    return [r.index for r in edgefeat.stream(source, Colours(), selection=selection)]


def test_what_is_proposed_sees_a_thing_of_three_percent_and_nothing_else(
    image: Image, still: GateCalibration
) -> None:
    assert (still.frames, still.seconds) == (QUIET, (QUIET - 1) / 2)
    proposed = still.motion.proposed
    assert (proposed.records, proposed.seen) == (0, still.things)
    assert still.options == {"motion": proposed.threshold, "motion_area": still.motion_area}
    assert indices("light drift -30 %", image, still.options) == [0]
    assert indices("object 96 px", image, still.options) == [0, 40, 80]


def test_a_noisy_scene_has_a_higher_floor(image: Image, still: GateCalibration) -> None:
    rain = calibrate(ClipSource("rain", image, QUIET, seed=1), Colours())
    assert rain.motion.median > 3 * still.motion.median
    assert rain.motion.threshold > rain.motion.largest
    assert rain.motion.rungs[0].records > 20
    assert rain.a_day(rain.motion.rungs[0]) == rain.motion.rungs[0].records * 86400 / rain.seconds
    assert still.none_a_day == pytest.approx(3 * 86400 / still.seconds)


def test_a_mask_and_a_duration_are_kept(image: Image) -> None:
    class Ticking(ClipSource):
        def frames(self) -> Any:
            for number, frame in enumerate(super().frames()):
                frame[400:, :160] = 255 * (number % 2)
                yield frame

    source = Ticking("still", image, 300, seed=1)
    masked = Selection.of(mask=[(0, 380, 200, 100)])
    found = calibrate(source, Colours(), duration_s="50s", selection=masked)
    assert found.seconds == 50
    assert found.motion.largest < 2
    ticking = calibrate(source, Colours(), duration_s=50)
    assert ticking.motion.largest > 20


def test_what_was_no_noise_is_said(image: Image) -> None:
    found = calibrate(ClipSource("object 200 px", image, 900, seed=1), Colours(), duration_s=400)
    assert found.motion.stands_out or found.motion.busy
    quiet = calibrate(ClipSource("still", image, 100, seed=1), Colours())
    assert not quiet.motion.stands_out


def test_too_few_frames_and_gates_are_refused(image: Image) -> None:
    with pytest.raises(edgefeat.SourceError) as raised:
        calibrate(ClipSource("still", image, 20), Colours())
    assert str(raised.value) == (
        "clip of still: 20 frames are too few to know the noise. Watch at least 65: longer, or "
        "more frames a second."
    )
    with pytest.raises(OptionError, match="motion: expected a selection without gates"):
        calibrate(ClipSource("still", image, 20), Colours(), selection=Selection(motion=3))
    with pytest.raises(OptionError, match="duration_s: expected a time such as 60s or 10m"):
        calibrate(ClipSource("still", image, 20), Colours(), duration_s="later")


def test_the_reach_of_noise_is_that_of_gumbels_distribution() -> None:
    drawn = np.random.default_rng(0).gumbel(5, 2, 200_000)
    exact = 5 + 2 * -np.log(-np.log(1 - 1e-6))
    for count in (100, 300, 5000):
        reaches = [passed_by_noise_once(sorted(drawn[i : i + count])) for i in range(0, 90000, 900)]
        assert np.median([r for r in reaches if r is not None]) == pytest.approx(exact, rel=0.1)
    assert [upper_quantile(n) for n in (FEWEST - 1, FEWEST, 130, 662)] == [None, 0.9, 0.95, 0.99]
    assert passed_by_noise_once([1.0] * (FEWEST - 1)) is None


def test_a_busy_scene_gets_the_threshold_that_still_sees() -> None:
    seen = {4: 100, 8: 100, 16: 92, 32: 60, 64: 20, 128: 1}
    rungs = tuple(Rung(threshold=t, records=0, seen=n) for t, n in seen.items())
    assert pick(rungs, reach=3, light=0, least=8, things=100) == (8, False)
    assert pick(rungs, reach=9, light=20, least=8, things=100) == (32, False)
    assert pick(rungs, reach=50, light=0, least=8, things=100) == (16, True)
    assert pick(rungs, reach=500, light=0, least=8, things=100) == (16, True)


def test_novelty_auto_follows_the_scene_and_says_so(image: Image) -> None:
    events: list[edgefeat.streaming.Event] = []
    stream = edgefeat.stream(
        ClipSource("object 200 px", image, 200, seed=1),
        Colours(),
        selection=Selection(novelty="auto"),
        on_event=events.append,
    )
    assert [r.index for r in stream] == [0]  # until the noise is known a change must be large
    threshold = stream.health().novelty_threshold
    assert threshold is not None
    assert 0.002 <= threshold < 0.02  # the thing was there for a tenth of the frames
    notices = [event.what for event in events if event.kind is EventKind.NOTICE]
    assert notices[0].startswith("novelty: the threshold is 0.0")
    assert notices[0].endswith(" by the last 64 frames")
    later = edgefeat.stream(
        ClipSource("infrared switch", image, 200, seed=1),
        Colours(),
        selection=Selection(novelty="auto", every=1),
    )
    assert [r.index for r in later] == [0, 40]


def test_an_adaptive_threshold_tells_only_what_moves_it() -> None:
    told: list[str] = []
    adaptive, rng = Adaptive(told.append), np.random.default_rng(0)
    assert adaptive.threshold == 0.05
    for distance in rng.gumbel(0.01, 0.001, 4 * FEWEST):
        adaptive.add(distance)
    quiet, said = adaptive.threshold, len(told)
    assert 0.02 < quiet < 0.03
    for distance in rng.gumbel(0.1, 0.01, 1100):
        adaptive.add(distance)
    assert 0.2 < adaptive.threshold < 0.3
    assert len(told) > said
    assert told[-1].startswith("novelty: the threshold is 0.2")
