"""The options of a stream: which frames and features are wanted, and how long a camera may take.

They stand below `edgefeat.streaming`, so that a command can make its flags of them without loading
OpenCV.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from edgefeat.errors import OptionError
from edgefeat.options.checks import number, switch, whole_number
from edgefeat.options.durations import duration
from edgefeat.options.masks import MaskPart, Roi, mask_part_from, mask_parts, region
from edgefeat.options.option import Options, number_from, option, whole_from

if TYPE_CHECKING:
    import random

__all__ = ["AUTO", "Limits", "Roi", "Selection"]

AUTO: Final = "auto"
"""The novelty threshold that follows the scene."""

_MOST_FPS = 1000
_STALLED_SHARE = 0.4  # share of the timeout, unless the user says when a source is stalled
_MOST_DOUBLINGS = 32


def _number_up_to(name: str, value: object, *, most: float, what: str) -> float:
    checked = number(name, value)
    if checked > most:
        raise OptionError(f"expected {what} up to {most:g}, got {checked:g}", option=name)
    return checked


def _up_to(most: float, what: str) -> Callable[[str, object], float]:
    return partial(_number_up_to, most=most, what=what)


def _roi_from(text: str) -> object:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        return text


def _novelty(name: str, value: object) -> object:
    if isinstance(value, str):
        if value == AUTO:
            return AUTO
        raise OptionError(f"expected a cosine distance or {AUTO}, got {value!r}", option=name)
    return _number_up_to(name, value, most=2, what="a cosine distance")


class Selection(Options):
    """Which frames to take, which part of them, and which features to emit."""

    fps: float | None = option(
        None,
        "take at most N frames a second of the source's own time (default: all)",
        check=_up_to(_MOST_FPS, "a number of frames"),
        read=number_from,
        metavar="N",
    )
    every: int = option(1, "take one frame of N", check=whole_number, read=whole_from, metavar="N")
    roi: Roi | None = option(
        None,
        "take a part of the picture: x, y, width and height in pixels, or as shares of its sides "
        "if none is above 1 (default: the whole picture)",
        check=region,
        read=_roi_from,
        metavar="X,Y,W,H",
    )
    motion: float | None = option(
        None,
        "skip inference unless a block of 16 x 16 pixels of the model's input changed by more "
        "than T grey levels, beside what a change of the light explains (default: never skip)",
        check=_up_to(255, "a number of grey levels"),
        read=number_from,
        metavar="T",
    )
    motion_area: float | None = option(
        None,
        "share of the picture that must have changed by T, such as 0.02: rain and insects change "
        "less (default: one block)",
        check=_up_to(1, "a share"),
        read=number_from,
        metavar="SHARE",
    )
    mask: tuple[MaskPart, ...] = option(
        (),
        "leave a part out of what motion looks at: x, y, width and height as of a region, or a "
        "picture that is black there; may be given several times",
        check=mask_parts,
        read=mask_part_from,
        metavar="PART",
        repeated=True,
    )
    novelty: float | Literal["auto"] | None = option(
        None,
        "emit only features whose cosine distance from the scene as it has been, or from the last "
        "ones emitted, is above EPS; auto: above the noise of the last 1024 frames (default: all)",
        check=_novelty,
        read=number_from,
        metavar="EPS",
    )
    label_change: bool = option(
        False,
        "emit only what a model with a head calls by another label than the last record",
        check=switch,
    )
    leave: float = option(
        0.7,
        "share of T and EPS below which a scene that had changed is as before",
        check=_up_to(1, "a share"),
        read=number_from,
        metavar="SHARE",
    )
    at_least_s: float | None = option(
        None,
        "emit a record at least so often, such as 60s, also if the gates hold back (default: no)",
        check=duration,
        metavar="TIME",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.at_least_s is not None and not self.gated:
            raise OptionError(
                "has no effect without motion or novelty",
                option="at_least_s",
                remedy="Every frame is emitted.",
            )
        if self.motion_area is not None and self.motion is None:
            raise OptionError("has no effect without motion", option="motion_area")
        measured = self.motion is not None or self.novelty is not None
        if self.leave != self.default_of("leave") and not measured:
            raise OptionError("has no effect without motion or novelty", option="leave")

    @property
    def gated(self) -> bool:
        """Whether frames are left out that show nothing new."""
        return self.motion is not None or self.novelty is not None or self.label_change


class Limits(Options):
    """How long a source may take, and how often it is tried again."""

    timeout_s: float = option(
        5.0,
        "longest wait to connect, and for each whole frame, before the source is lost, in seconds",
        check=number,
        read=number_from,
        metavar="S",
    )
    stall_s: float | None = option(
        None,
        "silence after which the source is called stalled, in seconds (default: 0.4 of the "
        "timeout)",
        check=number,
        read=number_from,
        metavar="S",
    )
    frozen_s: float = option(
        10.0,
        "how long a live picture may stay the very same before it is called frozen, in seconds",
        check=number,
        read=number_from,
        metavar="S",
    )
    reconnect: int | None = option(
        None,
        "how many attempts in a row may fail before giving up; 0: never reconnect (default: no "
        "limit)",
        check=partial(whole_number, least=0),
        read=whole_from,
        metavar="N",
    )
    wait: bool = option(
        False, "wait for a live source that is not there at the start", check=switch
    )
    backoff_s: float = option(
        0.5,
        "wait before the first new attempt, in seconds; doubled after each that fails",
        check=number,
        read=number_from,
        metavar="S",
    )
    backoff_max_s: float = option(
        30.0,
        "longest wait between attempts, in seconds",
        check=number,
        read=number_from,
        metavar="S",
    )
    duration_s: float | None = option(
        None,
        "end after so many seconds, whatever came (default: never)",
        check=number,
        read=number_from,
        metavar="S",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.backoff_max_s < self.backoff_s:
            raise OptionError(
                f"expected at least the first wait ({self.backoff_s:g}), "
                f"got {self.backoff_max_s:g}",
                option="backoff_max_s",
            )

    @property
    def stalled_after_s(self) -> float:
        """Silence after which the source is called stalled, in seconds."""
        return _STALLED_SHARE * self.timeout_s if self.stall_s is None else self.stall_s

    def delay_s(self, failures: int, rng: random.Random) -> float:
        """Return how many seconds to wait before the next attempt.

        Doubling spares a camera that boots. The jitter, half to all of the delay, keeps many
        devices from coming back at the same instant.

        Args:
            failures: How many attempts have failed since the source last gave frames.
            rng: Where the jitter comes from.
        """
        doubled = self.backoff_s * 2.0 ** min(failures, _MOST_DOUBLINGS)
        return min(self.backoff_max_s, doubled) * rng.uniform(0.5, 1.0)
