"""Gates of many thresholds at once, so that what each would record is counted and not guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from edgefeat.errors import SourceError
from edgefeat.measures.percentiles import stated
from edgefeat.streaming.calibration.calibration import GateFloor, Rung, pick
from edgefeat.streaming.gates.calm import Calm, Change
from edgefeat.streaming.gates.floor import FEWEST, passed_by_noise_once, upper_quantile

__all__ = ["Ladder"]

T = TypeVar("T")


class Ladder(Generic[T]):
    """Gates of many thresholds that look at the same states, and one that is never passed.

    Args:
        distance: How far a frame is from the scene; see `Calm`.
        blend: How the scene takes up a frame; see `Calm`.
        leave: Share of a threshold below which a scene counts as it was.
        thresholds: The thresholds, ascending.

    Attributes:
        floor: The gate that is never passed.
        distances: Distances by that gate.
        records: How often each of the others was passed, without the first time.
    """

    def __init__(
        self,
        distance: Callable[[T, T], float],
        blend: Callable[[T, T, float], T],
        leave: float,
        thresholds: Sequence[float],
    ) -> None:
        self._thresholds = thresholds
        self.floor = Calm(distance, blend, leave)
        self._gates = [Calm(distance, blend, leave) for _ in thresholds]
        self.records = [0] * len(thresholds)
        self.distances: list[float] = []

    def look(self, state: T, moment_s: float) -> None:
        """Show a state to all gates.

        Args:
            state: The state.
            moment_s: The frame's time in seconds.
        """
        self.floor.look(state, float("inf"), moment_s)
        if self.floor.distance is not None:
            self.distances.append(self.floor.distance)
        for place, (gate, threshold) in enumerate(zip(self._gates, self._thresholds, strict=True)):
            self.records[place] += gate.look(state, threshold, moment_s) not in (None, Change.FIRST)

    def judged(self, light: Sequence[float], things: Sequence[float], least: float) -> GateFloor:
        """Return what follows for the gate.

        Args:
            light: Distances of the scene in another light.
            things: Distances of the scene with things in it.
            least: No threshold below this is proposed.

        Raises:
            SourceError: Too few states were seen.
        """
        ascending = sorted(self.distances)
        quantile, reach = upper_quantile(len(ascending)), passed_by_noise_once(ascending)
        median = stated(ascending, 0.5)
        if quantile is None or reach is None or median is None:
            raise SourceError(
                f"{len(ascending) + bool(ascending)} frames are too few to know the noise",
                remedy=f"Watch at least {FEWEST + 1}: longer, or more frames a second.",
            )
        rungs = tuple(
            Rung(threshold=t, records=n, seen=sum(thing > t for thing in things))
            for t, n in zip(self._thresholds, self.records, strict=True)
        )
        darkest = max(light, default=0.0)
        threshold, busy = pick(rungs, reach=reach, light=darkest, least=least, things=len(things))
        return GateFloor(
            median=median,
            upper_quantile=quantile,
            upper=stated(ascending, quantile) or 0.0,
            largest=ascending[-1],
            reach=reach,
            light=darkest,
            rungs=rungs,
            threshold=threshold,
            busy=busy,
        )
