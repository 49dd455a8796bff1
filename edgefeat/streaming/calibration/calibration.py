"""What a scene does while nothing happens, and which thresholds follow from it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GateCalibration", "GateFloor", "Rung", "pick"]

_DAY_S = 86400.0
_NONE_SEEN = 3.0  # no event in a time: with 95 % certainty fewer than three in such a time
_LIGHT_MARGIN = 1.1
_SEEN_SHARE, _USEFUL_SHARE = 0.9, 0.25  # shares of the things that were tried
_STANDS_OUT = 1.5  # a distance so far above the noise's reach was hardly noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """What one threshold would do.

    Attributes:
        threshold: The threshold.
        records: Records that it gave while the scene was watched, without the first.
        seen: How many of the things of 3 % of the picture it would have seen.
    """

    threshold: float
    records: int
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFloor:
    """How far a scene is from itself, by one gate's measure.

    Attributes:
        median: Median distance.
        upper_quantile: Which percentile `upper` is: the highest that the frames support.
        upper: An upper percentile of the distances.
        largest: The largest distance.
        reach: What noise passes once in a million frames.
        light: Distance that a light makes which falls by 30 %.
        rungs: What thresholds would do, ascending.
        threshold: The one proposed: the first above the reach of noise and of light.
        busy: Whether the scene changes by itself as much as things do, so that noise passes too.
    """

    median: float
    upper_quantile: float
    upper: float
    largest: float
    reach: float
    light: float
    rungs: tuple[Rung, ...]
    threshold: float
    busy: bool

    @property
    def proposed(self) -> Rung:
        """What the proposed threshold would do."""
        return next(rung for rung in self.rungs if rung.threshold == self.threshold)

    @property
    def stands_out(self) -> bool:
        """Whether something happened that was hardly noise; the proposal takes it for noise."""
        return self.largest > _STANDS_OUT * self.reach


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCalibration:
    """What `calibrate` found.

    Attributes:
        source: What the source is called.
        frames: Frames looked at.
        seconds: How long the scene was watched.
        things: How many things of 3 % of the picture were tried.
        motion_area: Share of the picture that `motion` asks to change.
        motion: The motion gate, in grey levels.
        novelty: The novelty gate, in cosine distances.
    """

    source: str
    frames: int
    seconds: float
    things: int
    motion_area: float
    motion: GateFloor
    novelty: GateFloor

    @property
    def options(self) -> dict[str, float]:
        """The proposed options of a `Selection`: one gate, which does not pass noise if one can.

        That is motion, which saves inferences, unless novelty sees more of the things.
        """
        motion, novelty = self.motion, self.novelty
        enough = min(novelty.proposed.seen, _SEEN_SHARE * self.things)
        if novelty.busy or (not motion.busy and motion.proposed.seen >= enough):
            return {"motion": motion.threshold, "motion_area": self.motion_area}
        return {"novelty": novelty.threshold}

    def a_day(self, rung: Rung) -> float:
        """Return how many records a day a threshold would give, if all days were so.

        Args:
            rung: The threshold.
        """
        return rung.records * _DAY_S / self.seconds

    @property
    def none_a_day(self) -> float:
        """How many records a day no record means: with 95 % certainty fewer than this."""
        return _NONE_SEEN * _DAY_S / self.seconds


def pick(
    rungs: tuple[Rung, ...], *, reach: float, light: float, least: float, things: int
) -> tuple[float, bool]:
    """Return the first threshold above the reach of noise and light, and whether it is no use.

    In a busy scene it would miss three things of four. Then it is the highest that sees nine of
    ten, and passes noise.

    Args:
        rungs: The thresholds, ascending.
        reach: What noise passes once in a million frames.
        light: Distance that a change of light makes.
        least: No threshold below this.
        things: How many things were tried.
    """
    wanted = max(reach, _LIGHT_MARGIN * light, least)
    quiet = next((rung for rung in rungs if rung.threshold >= wanted), rungs[-1])
    if quiet.threshold >= wanted and quiet.seen >= _USEFUL_SHARE * things:
        return quiet.threshold, False
    seeing = [rung for rung in rungs if rung.seen >= _SEEN_SHARE * things]
    return (seeing or rungs)[-1 if seeing else 0].threshold, True
