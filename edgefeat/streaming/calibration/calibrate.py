"""Watches a scene while nothing happens, and proposes thresholds for its gates.

Gates of many thresholds watch at once, so that what each would record is counted, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Features, Pixels
from edgefeat.errors import OptionError, SourceError
from edgefeat.extractor import FeatureExtractor
from edgefeat.options.durations import duration
from edgefeat.options.stream import Limits, Selection
from edgefeat.sources.grammar import AnySource, open_source
from edgefeat.streaming.calibration import trials
from edgefeat.streaming.calibration.calibration import GateCalibration
from edgefeat.streaming.calibration.ladder import Ladder
from edgefeat.streaming.events import OnEvent
from edgefeat.streaming.gates import motion, novelty
from edgefeat.streaming.gates.scene import SceneWatch
from edgefeat.streaming.health import OnHealth
from edgefeat.streaming.result import Extractor
from edgefeat.streaming.stream import Stream

__all__ = ["CALIBRATION_S", "MOTION_AREA", "Calibrating", "calibrate", "watch"]

CALIBRATION_S = 600.0
MOTION_AREA = 0.02
_MOTIONS = (4, 5.6, 8, 11, 16, 22, 32, 45, 64, 90, 128)
_NOVELTIES = (0.005, 0.007, 0.01, 0.014, 0.02, 0.028, 0.04, 0.056, 0.08, 0.11, 0.16, 0.22, 0.32)
_LEAST_MOTION = 8.0  # rain in front of a still scene reaches 7 on 2 % of the picture
_LEAST_NOVELTY = 0.005
_KEPT, _THINGS_EACH = 32, 2


class _Observer(SceneWatch):
    """Lets everything pass, and shows it to gates of many thresholds."""

    def __init__(
        self, selection: Selection, note: Callable[[str], None], area: float, leave: float
    ) -> None:
        super().__init__(selection, note)
        self.area = area

        def differ(now: motion.Blocks, before: motion.Blocks) -> float:
            return motion.difference(now, before, area)

        self.motion_ladder = Ladder(differ, motion.blended, leave, _MOTIONS)
        self.novelty_ladder = Ladder(novelty.cosine_distance, novelty.moved, leave, _NOVELTIES)
        self.kept: trials.Thinned[tuple[Pixels, NDArray[np.float32] | None]] = trials.Thinned(_KEPT)
        self._now: tuple[Pixels, NDArray[np.float32] | None]
        self.frames, self.first_s, self.last_s = 0, 0.0, 0.0

    def wants_features(
        self, pixels: Pixels, moment_s: float, counts: NDArray[np.float32] | None = None
    ) -> bool:
        super().wants_features(pixels, moment_s, counts)
        self._now = pixels.copy(), counts
        self.first_s = self.first_s if self.frames else moment_s
        self.last_s = moment_s
        self.frames += 1
        self.motion_ladder.look(_blocks(pixels, counts), moment_s)
        return True

    def wants_record(self, features: Features, label: str | None = None) -> bool:
        self.novelty_ladder.look(novelty.unit(features), self.last_s)
        self.kept.offer(self._now)
        return super().wants_record(features, label)


def _blocks(pixels: Pixels, counts: NDArray[np.float32] | None) -> motion.Blocks:
    weights = None if counts is None else motion.block_weights(counts, pixels)
    return motion.block_means(pixels, weights)


class Calibrating(Stream):
    """A stream that watches a scene; iterate over it to its end, then ask for the `result`.

    Args:
        source: What to watch.
        extractor: What makes features; stays the caller's.
        area: Share of the picture that `motion` asks to change.
        leave: Share of a threshold below which a scene counts as it was; see `Selection`.
        options: What else a `Stream` takes, by keyword.
    """

    def __init__(
        self, source: Any, extractor: Extractor, *, area: float, leave: float, **options: Any
    ) -> None:
        self._area, self._leave, self._used = area, leave, extractor
        super().__init__(source, extractor, **options)

    def _made_watch(self, selection: Selection, note: Callable[[str], None]) -> SceneWatch:
        self._observer = _Observer(selection, note, self._area, self._leave)
        return self._observer

    @property
    def watched_s(self) -> float:
        """How long the scene has been watched, in the source's own time."""
        return self._observer.last_s - self._observer.first_s

    def result(self) -> GateCalibration:
        """Try things and a change of light on what was seen, and return what follows.

        Raises:
            SourceError: Too few frames came.
        """
        seen, rng = self._observer, np.random.default_rng(0)
        by_light: tuple[list[float], list[float]] = ([], [])
        by_things: tuple[list[float], list[float]] = ([], [])
        for pixels, counts in seen.kept:
            self._try(by_light, trials.darker(pixels), counts)
            for _ in range(_THINGS_EACH):
                self._try(by_things, trials.with_thing(pixels, rng, counts), counts)
        try:
            return GateCalibration(
                source=self.source,
                frames=seen.frames,
                seconds=self.watched_s,
                things=len(by_things[0]),
                motion_area=self._area,
                motion=seen.motion_ladder.judged(by_light[0], by_things[0], _LEAST_MOTION),
                novelty=seen.novelty_ladder.judged(by_light[1], by_things[1], _LEAST_NOVELTY),
            )
        except SourceError as error:
            error.within(self.source)
            raise

    def _try(
        self,
        into: tuple[list[float], list[float]],
        pixels: Pixels,
        counts: NDArray[np.float32] | None,
    ) -> None:
        features = novelty.unit(self._used.extract_prepared(pixels[np.newaxis])[0])
        moved = self._observer.motion_ladder.floor.measure(_blocks(pixels, counts))
        new = self._observer.novelty_ladder.floor.measure(features)
        into[0].append(moved or 0.0)
        into[1].append(new or 0.0)


def calibrate(
    source: AnySource,
    extractor: Extractor | None = None,
    *,
    duration_s: float | str = CALIBRATION_S,
    selection: Selection | None = None,
    motion_area: float = MOTION_AREA,
    limits: Limits | None = None,
    on_event: OnEvent | None = None,
    on_health: OnHealth | None = None,
) -> GateCalibration:
    """Watch a scene while nothing happens, and propose thresholds for `motion` and `novelty`.

    Args:
        source: A camera or clip, as `edgefeat.stream` takes it.
        extractor: What makes features, and stays the caller's; None opens the shipped model.
        duration_s: How long to watch, in the source's own time: seconds, or a text such as `10m`.
        selection: Rate, region and mask as they will be used; without gates.
        motion_area: Share of the picture that `motion` is to ask for.
        limits: Times, and how often to reconnect.
        on_event: Called with each event.
        on_health: Called with live numbers once a second.

    Raises:
        OptionError: The selection has gates, or a wrong value.
        SourceError: It cannot be read, or gave too few frames.
    """
    seconds = duration("duration_s", duration_s)
    selection = selection or Selection()
    if selection.gated:
        raise OptionError(
            "expected a selection without gates, which calibrating is to propose",
            option="motion" if selection.motion is not None else "novelty",
            remedy="Leave it out.",
        )
    with ExitStack() as held:
        used = extractor or held.enter_context(FeatureExtractor())
        stream = Calibrating(
            open_source(source),
            used,
            area=motion_area,
            leave=selection.leave,
            selection=selection,
            limits=limits,
            on_event=on_event,
            on_health=on_health,
        )
        watch(stream, seconds)
        return stream.result()


def watch(stream: Calibrating, seconds: float) -> None:
    """Read a stream for so long, in the source's own time, or to its end.

    Args:
        stream: The stream.
        seconds: How long.
    """
    with stream:
        for _ in stream:
            if stream.watched_s >= seconds:
                break
